// `/echo` and `/broadcast` with ws, after the examples of its README. bufferutil is installed beside it, as its README
// recommends for speed; Node 20 checks UTF-8 by itself.
import { createServer } from 'node:http';
import WebSocket, { WebSocketServer } from 'ws';

const port = Number(process.argv[2]);
const deflate = process.argv.includes('--deflate');

const wss = new WebSocketServer({
  noServer: true,
  // Its README warns of the memory that context takeover costs. Level 1 and 64 bytes are what all peers here have.
  perMessageDeflate: deflate && {
    zlibDeflateOptions: { level: 1 },
    serverNoContextTakeover: true,
    clientNoContextTakeover: true,
    threshold: 64,
  },
});
const subscribers = new Set();

function echo(ws) {
  ws.on('error', () => {});
  ws.on('message', (data, isBinary) => ws.send(data, { binary: isBinary }));
}

function broadcast(ws) {
  subscribers.add(ws);
  ws.on('error', () => {});
  ws.on('close', () => subscribers.delete(ws));
  ws.on('message', (data, isBinary) => {
    for (const client of subscribers) {
      if (client.readyState === WebSocket.OPEN) client.send(data, { binary: isBinary });
    }
  });
}

const server = createServer();
server.on('upgrade', (request, socket, head) => {
  wss.handleUpgrade(request, socket, head, request.url === '/broadcast' ? broadcast : echo);
});
server.listen({ host: '127.0.0.1', port, backlog: 4096 });
