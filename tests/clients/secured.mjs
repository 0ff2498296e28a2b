// A server with a certificate, with Node's ws.
// Usage: node secured.mjs PATH_OF_DUNLIN FOLDER_WITH_CERT_AND_KEY

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import WebSocket from 'ws';
import { serve } from '../browser/serve.mjs';

const [binary, folder] = process.argv.slice(2);
const [cert, key] = ['cert.pem', 'key.pem'].map((name) => `${folder}/${name}`);
const server = await serve(binary, '127.0.0.1:0', '--cert', cert, '--key', key);
try {
  assert.match(server.url, /^https:/);
  const url = `wss://localhost:${new URL(server.url).port}/echo-raw`;
  for (const version of ['TLSv1.2', 'TLSv1.3']) {
    const socket = new WebSocket(url, { ca: readFileSync(cert), minVersion: version, maxVersion: version });
    await once(socket, 'open');
    for (const message of ['short', 'x'.repeat(1 << 20), '']) {
      socket.send(message);
      const [data, binaryFlag] = await once(socket, 'message');
      assert.equal(binaryFlag, false);
      assert.equal(data.toString(), message);
    }
    const bytes = Buffer.alloc(70_000, 7);
    socket.send(bytes);
    const [data] = await once(socket, 'message');
    assert.ok(bytes.equals(data));
    socket.close(1000, 'done');
    const [code] = await once(socket, 'close');
    assert.equal(code, 1000);
  }
  const stranger = new WebSocket(url);
  const [error] = await once(stranger, 'error');
  assert.match(error.code, /SELF_SIGNED/);
  assert.deepEqual(await server.stop(), { code: 0, signal: null });
  console.log('secured.mjs: ok');
} finally {
  server.kill();
}
