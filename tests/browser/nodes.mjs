// Two pages of the rooms at `/` on two nodes with one engine: they talk, one node is killed, and its page goes on by the
// other, as behind a balancer.
// Usage: node nodes.mjs PATH_OF_DUNLIN PATH_OF_REDIS

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { connect, createServer } from 'node:net';
import { chromium } from 'playwright-core';
import { serve } from './serve.mjs';
import { Visitor } from './visitor.mjs';

const FLAGS = ['--headless', '--no-sandbox', '--disable-gpu', '--disable-background-networking', '--no-first-run'];
const [binary, redis] = process.argv.slice(2);

const listening = (server) => new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(server.address().port)));

/** A port that leads to one of the nodes, and may lead to another one later. */
async function balancer(to) {
  const way = { to };
  const server = createServer((socket) => {
    const { hostname, port } = new URL(way.to);
    const onward = connect(port, hostname);
    for (const [one, other] of [[socket, onward], [onward, socket]]) {
      one.pipe(other);
      one.on('error', () => other.destroy()).on('close', () => other.destroy());
    }
  });
  way.url = `http://127.0.0.1:${await listening(server)}/`;
  way.server = server;
  return way;
}

/** When the engine knows of one node only. */
async function swept(port) {
  for (let tries = 0; (await ask(port, 'SCARD dunlin:nodes')) !== ':1\r\n'; tries += 1) {
    assert.ok(tries < 300, 'nobody sweeps behind a node that is gone');
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** What an engine answers to one command. */
const ask = (port, command) => new Promise((resolve, reject) => {
  const socket = connect(port, '127.0.0.1', () => socket.write(`${command}\r\n`));
  socket.on('error', reject).once('data', (data) => {
    socket.destroy();
    resolve(data.toString());
  });
});

const probe = createServer();
const port = await listening(probe);
probe.close();
const engine = spawn(redis, ['--bind', '127.0.0.1', '--port', String(port), '--save', '', '--appendonly', 'no'], { stdio: 'ignore' });
const nodes = [];
const ways = [];
let browser;
try {
  for (let n = 0; n < 2; n += 1) {
    nodes.push(await serve(binary, '127.0.0.1:0', '--engine', `redis://127.0.0.1:${port}`));
    for (let tries = 0; (await fetch(`${nodes[n].url}readyz`)).status !== 200; tries += 1) {
      assert.ok(tries < 100, 'the engine does not answer');
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    ways.push(await balancer(nodes[n].url));
  }
  browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: FLAGS });
  const ann = await Visitor.arrive(browser, ways[0].url, { name: 'ann' });
  const bob = await Visitor.arrive(browser, ways[1].url, { name: 'bob' });
  for (const visitor of [ann, bob]) await visitor.reads('#who', /^2 here$/);
  for (let n = 0; n < 5; n += 1) {
    await ann.say(`ann ${n}`);
    await bob.hears(`ann ${n}`);
    await bob.say(`bob ${n}`);
    await ann.hears(`bob ${n}`);
  }
  // What is said while bob's page looks for another way is there when it has found one.
  ways[1].to = nodes[0].url;
  nodes[1].kill();
  for (let n = 5; n < 8; n += 1) await ann.say(`ann ${n}`);
  await bob.hears('ann 7');
  await bob.say('bob 5');
  await ann.hears('bob 5');
  const wanted = await ann.texts();
  assert.equal(wanted.length, 14);
  assert.deepEqual(await bob.texts(), wanted);
  // The lease of the node that is gone runs out, and the other one sweeps behind it.
  await swept(port);
  for (const visitor of [ann, bob]) {
    await visitor.reads('#who', /^2 here$/);
    assert.deepEqual(await visitor.texts(), wanted);
    assert.deepEqual(visitor.problems, []);
  }
  console.log('nodes: two pages on two nodes, one of them killed: no gap, no duplicate, no ghost');
} finally {
  await browser?.close();
  for (const node of nodes) node.kill();
  for (const way of ways) way.server.close();
  engine.kill();
}
