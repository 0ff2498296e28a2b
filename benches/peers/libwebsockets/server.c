/*
 * /echo and /broadcast with libwebsockets, on its libuv loop (its own poll() walks all connections in each turn).
 *
 * As its examples do, a message is kept until the socket is writable, and one message is written for each
 * writeable callback. A broadcast is one buffer with a count of those who still have to send it: the ring of the
 * example minimal-ws-server-ring looks for its oldest reader at each delivery, which a thousand readers make dear.
 */
#include <libwebsockets.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

/* Messages that a connection may fall behind: then an echo stops reading, and a receiver is dropped. */
#define QUEUE_ECHO 64
#define QUEUE_BROADCAST 1024

/* A frame, or the part of one that the library handed over. */
struct message {
    size_t length;
    int readers;
    char binary, first, final;
    unsigned char data[]; /* LWS_PRE bytes, then the payload */
};

struct entry {
    struct entry *next;
    struct message *message;
};

struct session {
    struct lws *wsi;
    struct session *next, *previous; /* of the subscribers */
    struct entry *head, **tail;
    int queued;
    char is_subscriber, is_paused, is_lagging;
};

static struct session *subscribers;

static void release(struct message *message) {
    if (--message->readers == 0)
        free(message);
}

static int push(struct session *session, struct message *message) {
    struct entry *entry = malloc(sizeof *entry);
    if (!entry)
        return -1;
    entry->next = NULL;
    entry->message = message;
    message->readers++;
    *session->tail = entry;
    session->tail = &entry->next;
    session->queued++;
    lws_callback_on_writable(session->wsi);
    return 0;
}

static void pop(struct session *session) {
    struct entry *entry = session->head;
    session->head = entry->next;
    if (!session->head)
        session->tail = &session->head;
    session->queued--;
    release(entry->message);
    free(entry);
}

static int write_next(struct session *session) {
    struct message *message = session->head->message;
    int kind = message->binary ? LWS_WRITE_BINARY : LWS_WRITE_TEXT;
    int flags = lws_write_ws_flags(kind, message->first, message->final);
    int written = lws_write(session->wsi, message->data + LWS_PRE, message->length, flags);
    if (written < (int)message->length)
        return -1;
    pop(session);
    if (session->head)
        lws_callback_on_writable(session->wsi);
    if (session->is_paused && session->queued < QUEUE_ECHO / 2) {
        session->is_paused = 0;
        lws_rx_flow_control(session->wsi, 1);
    }
    return 0;
}

static int take(struct session *session, const void *data, size_t length) {
    struct lws *wsi = session->wsi;
    struct message *message = malloc(sizeof *message + LWS_PRE + length);
    if (!message)
        return -1;
    message->length = length;
    message->readers = 1; /* this function, while it hands it on */
    message->binary = lws_frame_is_binary(wsi);
    message->first = lws_is_first_fragment(wsi);
    message->final = lws_is_final_fragment(wsi);
    memcpy(message->data + LWS_PRE, data, length);
    int failed = 0;
    if (!session->is_subscriber) {
        failed = push(session, message);
        if (session->queued >= QUEUE_ECHO && !session->is_paused) {
            session->is_paused = 1;
            lws_rx_flow_control(wsi, 0);
        }
    } else {
        for (struct session *one = subscribers; one; one = one->next) {
            if (one->is_lagging)
                continue;
            if (one->queued >= QUEUE_BROADCAST) {
                one->is_lagging = 1;
                lws_set_timeout(one->wsi, PENDING_TIMEOUT_LAGGING, LWS_TO_KILL_ASYNC);
            } else if (push(one, message)) {
                one->is_lagging = 1;
            }
        }
    }
    release(message);
    return failed;
}

static void open_session(struct session *session, struct lws *wsi) {
    char path[64] = "";
    lws_hdr_copy(wsi, path, sizeof path, WSI_TOKEN_GET_URI);
    session->wsi = wsi;
    session->tail = &session->head;
    session->is_subscriber = !strcmp(path, "/broadcast");
    if (session->is_subscriber) {
        session->next = subscribers;
        if (subscribers)
            subscribers->previous = session;
        subscribers = session;
    }
    /* Fails harmlessly where the extension was not agreed upon. */
    lws_set_extension_option(wsi, "permessage-deflate", "compression_level", "1");
}

static void close_session(struct session *session) {
    if (!session->tail)
        return; /* it never opened */
    if (session->is_subscriber) {
        if (session->previous)
            session->previous->next = session->next;
        else
            subscribers = session->next;
        if (session->next)
            session->next->previous = session->previous;
    }
    while (session->head)
        pop(session);
}

static int callback(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t length) {
    struct session *session = user;
    switch (reason) {
    case LWS_CALLBACK_ESTABLISHED:
        open_session(session, wsi);
        return 0;
    case LWS_CALLBACK_RECEIVE:
        return take(session, in, length);
    case LWS_CALLBACK_SERVER_WRITEABLE:
        return session->head ? write_next(session) : 0;
    case LWS_CALLBACK_CLOSED:
        close_session(session);
        return 0;
    default:
        return lws_callback_http_dummy(wsi, reason, user, in, length);
    }
}

static const struct lws_protocols protocols[] = {
    {"peer", callback, sizeof(struct session), 64 << 10, 0, NULL, 0},
    {NULL, NULL, 0, 0, 0, NULL, 0},
};

static const struct lws_extension extensions[] = {
    {"permessage-deflate", lws_extension_callback_pm_deflate,
     "permessage-deflate; server_no_context_takeover; client_no_context_takeover"},
    {NULL, NULL, NULL},
};

int main(int argc, char **argv) {
    if (argc < 2)
        return 2;
    struct lws_context_creation_info info;
    memset(&info, 0, sizeof info);
    info.port = atoi(argv[1]);
    info.iface = "127.0.0.1";
    info.protocols = protocols;
    info.extensions = argc > 2 && !strcmp(argv[2], "--deflate") ? extensions : NULL;
    info.pt_serv_buf_size = 64 << 10;
    /* Without IPv6 it listens at 127.0.0.1 alone, as it is told above. */
    info.options = LWS_SERVER_OPTION_LIBUV | LWS_SERVER_OPTION_DISABLE_IPV6 |
                   LWS_SERVER_OPTION_VALIDATE_UTF8;
    lws_set_log_level(LLL_ERR, NULL);
    struct lws_context *context = lws_create_context(&info);
    if (!context)
        return 1;
    /* The library's own handler of SIGTERM stops the loop and then spins while connections are open. */
    signal(SIGTERM, SIG_DFL);
    lws_service(context, 0);
    lws_context_destroy(context);
    return 0;
}
