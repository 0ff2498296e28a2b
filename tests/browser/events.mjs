// A browser follows /flow/events by EventSource, loses its connection, and misses nothing.
// Usage: node events.mjs PATH_OF_DUNLIN

import assert from 'node:assert/strict';
import { connect, createServer } from 'node:net';
import { once } from 'node:events';
import { chromium } from 'playwright-core';
import { serve } from './serve.mjs';

const FLAGS = ['--headless', '--no-sandbox', '--disable-gpu', '--disable-background-networking', '--no-first-run'];

/** A proxy in front of the server whose connections can be cut. */
async function proxyOf(address) {
  const [host, port] = address.split(':');
  const sockets = new Set();
  const proxy = createServer((client) => {
    const upstream = connect(Number(port), host);
    for (const [from, to] of [[client, upstream], [upstream, client]]) {
      sockets.add(from);
      from.pipe(to);
      from.on('error', () => to.destroy());
      from.on('close', () => {
        sockets.delete(from);
        to.destroy();
      });
    }
  });
  proxy.listen(0, '127.0.0.1');
  await once(proxy, 'listening');
  return {
    url: `http://127.0.0.1:${proxy.address().port}/`,
    cut: () => [...sockets].forEach((socket) => socket.destroy()),
    close: () => proxy.close(),
  };
}

const binary = process.argv[2];
assert.ok(binary, 'usage: node events.mjs PATH_OF_DUNLIN');
const server = await serve(binary);
const proxy = await proxyOf(server.address);
const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: FLAGS });
try {
  const page = async (url) => {
    const page = await browser.newPage();
    page.setDefaultTimeout(20_000);
    await page.goto(`${url}chattstart`);
    return page;
  };
  const [reader, speaker] = [await page(proxy.url), await page(server.url)];
  await speaker.evaluate(async () => {
    window.flow = new WebSocket(`ws://${location.host}/flow`);
    await new Promise((resolve) => (window.flow.onmessage = resolve));
  });
  const say = (text) => speaker.evaluate((text) => window.flow.send(text), text);
  await reader.evaluate(async () => {
    [window.events, window.opened] = [[], 0];
    const source = new EventSource('/flow/events');
    source.onmessage = ({ data, lastEventId }) => window.events.push([data, lastEventId]);
    await new Promise((resolve) => {
      source.onopen = () => {
        window.opened += 1;
        resolve();
      };
    });
  });
  const events = async (count) => {
    await reader.waitForFunction((count) => window.events.length >= count, count);
    return reader.evaluate(() => window.events);
  };
  await say('하나');
  await say('two\nlines');
  let got = await events(2);
  assert.deepEqual(got.map(([data]) => data), ['하나', 'two\nlines']);
  assert.match(got[0][1], /^[0-9a-f]{16}:1$/);
  console.log('ok  EventSource gets every text with its id');

  proxy.cut();
  await say('three');
  await say('four');
  got = await events(4);
  await say('five');
  got = await events(5);
  assert.deepEqual(got.map(([data]) => data).slice(2), ['three', 'four', 'five']);
  assert.deepEqual(got.map(([, id]) => id.split(':')[1]), ['1', '2', '3', '4', '5']);
  assert.equal(await reader.evaluate(() => window.opened), 2);
  console.log('ok  EventSource comes back by itself and misses nothing');

  // A page of another origin may not read it.
  const refused = await reader.evaluate(
    (url) =>
      new Promise((resolve) => {
        const source = new EventSource(`${url}flow/events`);
        source.onerror = () => resolve(source.readyState);
        source.onopen = () => resolve('open');
      }),
    server.url,
  );
  assert.equal(refused, 2, 'closed for good');
  console.log('ok  EventSource of a foreign page is refused');
} finally {
  await browser.close();
  proxy.close();
  server.kill();
}
