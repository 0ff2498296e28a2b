// The rooms' page and a socket of its own over TLS, in Chromium.
// Usage: node secured.mjs PATH_OF_DUNLIN FOLDER_WITH_CERT_AND_KEY

import assert from 'node:assert/strict';
import { chromium } from 'playwright-core';
import { serve } from './serve.mjs';

const [binary, folder] = process.argv.slice(2);
const server = await serve(binary, '127.0.0.1:0', '--cert', `${folder}/cert.pem`, '--key', `${folder}/key.pem`);
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  // The certificate vouches for itself: that the browser would refuse it is right, and not what is tested.
  args: ['--headless', '--no-sandbox', '--disable-gpu', '--no-first-run', '--ignore-certificate-errors'],
});
try {
  const url = `https://localhost:${new URL(server.url).port}/`;
  const context = await browser.newContext({ ignoreHTTPSErrors: true });
  const page = await context.newPage();
  page.setDefaultTimeout(10_000);
  const sockets = [];
  page.on('websocket', (socket) => sockets.push(socket.url()));
  const answer = await page.goto(url);
  assert.equal(answer.status(), 200);
  const details = await answer.securityDetails();
  assert.equal(details.protocol, 'TLS 1.3');
  // The origin is https://localhost, the host the same: the default rule lets it in.
  const said = await page.evaluate(
    (address) =>
      new Promise((resolve, reject) => {
        const socket = new WebSocket(address);
        socket.onopen = () => socket.send('x'.repeat(100_000));
        socket.onmessage = (event) => resolve(event.data.length);
        socket.onerror = () => reject(new Error('no socket'));
      }),
    `${url.replace('https', 'wss')}echo-raw`,
  );
  assert.equal(said, 100_000);
  assert.ok(sockets.every((socket) => socket.startsWith('wss://')), sockets.join());
  console.log('secured.mjs: ok');
} finally {
  await browser.close();
  server.kill();
}
