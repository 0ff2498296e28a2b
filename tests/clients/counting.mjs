// A server that echoes, or sends every message to everybody, and counts. It prints its port, and at the end of
// its input what it counted, as JSON.
// Usage: node counting.mjs echo|broadcast

import { WebSocketServer, WebSocket } from 'ws';

const count = { opened: 0, received: 0, receivedBytes: 0, sent: 0, sentBytes: 0 };
const server = new WebSocketServer({ host: '127.0.0.1', port: 0, perMessageDeflate: { threshold: 0 } });

server.on('listening', () => console.log(server.address().port));
server.on('connection', (client) => {
  count.opened += 1;
  client.on('error', () => {});
  client.on('message', (data, binary) => {
    count.received += 1;
    count.receivedBytes += data.length;
    for (const other of process.argv[2] === 'echo' ? [client] : server.clients) {
      if (other.readyState !== WebSocket.OPEN) continue;
      other.send(data, { binary });
      count.sent += 1;
      count.sentBytes += data.length;
    }
  });
});

process.stdin.resume();
process.stdin.on('end', () => {
  console.log(JSON.stringify(count));
  process.exit(0);
});
