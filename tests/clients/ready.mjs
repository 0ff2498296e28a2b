// Walks every string of the ready applications with Node's ws.
// Usage: node ready.mjs PATH_OF_DUNLIN

import assert from 'node:assert/strict';
import WebSocket from 'ws';
import { serve } from '../browser/serve.mjs';

const MILLISECONDS = 10_000;

/** A client whose events are read one after another. */
class Client {
  static async open(url) {
    const client = new Client();
    client.events = [];
    client.waiting = [];
    client.socket = new WebSocket(url);
    const tell = (event) => {
      const reader = client.waiting.shift();
      if (reader) reader(event);
      else client.events.push(event);
    };
    client.socket.on('message', (data, binary) => tell(binary ? data : data.toString()));
    client.socket.on('close', (code, reason) => tell([code, reason.toString()]));
    await new Promise((resolve, reject) => {
      client.socket.once('open', resolve);
      client.socket.once('error', reject);
    });
    client.socket.on('error', (error) => tell(error));
    assert.match(client.socket.extensions, /^permessage-deflate/);
    return client;
  }

  /** The next message as text or Buffer, or the code and reason of the end. */
  next() {
    if (this.events.length > 0) return Promise.resolve(this.events.shift());
    return new Promise((resolve, reject) => {
      const late = setTimeout(() => reject(new Error('nothing came')), MILLISECONDS);
      this.waiting.push((event) => {
        clearTimeout(late);
        resolve(event);
      });
    });
  }

  async expect(wanted) {
    assert.deepEqual(await this.next(), wanted);
  }

  async exchange(message, wanted) {
    this.socket.send(message);
    await this.expect(wanted);
  }

  async leave() {
    this.socket.close(1000);
    assert.equal((await this.next())[0], 1000);
  }
}

const walks = {
  async echo(open) {
    for (const bye of ['bye', 'BYE', 'bYe']) {
      const client = await open('echo');
      await client.expect('Please enter your name');
      client.socket.send(Buffer.from('not a text'));
      await client.exchange('JetBrains', 'Hi, JetBrains!');
      client.socket.send(bye);
      await client.expect([1000, 'Client said BYE']);
    }
  },

  async youSaid(open) {
    const client = await open('you-said');
    await client.exchange('hello', 'YOU SAID: hello');
    await client.exchange('Bye', 'YOU SAID: Bye');
    await client.expect([1000, 'Client said BYE']);
  },

  async echoRaw(open) {
    const client = await open('echo-raw');
    const big = Buffer.alloc(5 << 20, 'x');
    for (const message of ['', 'bye', '한글', Buffer.from([0, 255]), Buffer.alloc(0), big]) {
      await client.exchange(message, message);
    }
    const pong = new Promise((resolve) => client.socket.once('pong', resolve));
    client.socket.ping('payload');
    assert.equal((await pong).toString(), 'payload');
    await client.leave();
  },

  async chat(open) {
    const first = await open('chat');
    await first.expect('You are connected! There are 1 users here.');
    const second = await open('chat');
    await second.expect('You are connected! There are 2 users here.');
    first.socket.send('hello');
    for (const client of [first, second]) await client.expect('[user0]: hello');
    await first.leave();
    await second.exchange('alone', '[user1]: alone');
    const third = await open('chat');
    await third.expect('You are connected! There are 2 users here.');
    third.socket.send('hi');
    for (const client of [second, third]) await client.expect('[user2]: hi');
    third.socket.send('a'.repeat(65537));
    assert.equal((await third.next())[0], 1009);
    await second.leave();
  },

  async chatLogin(open) {
    const first = await open('chat/login');
    await first.expect("You've logged in as [user0]");
    const second = await open('chat/login');
    await second.expect("You've logged in as [user1]");
    second.socket.send('hello');
    for (const client of [first, second]) await client.expect('[user1]: hello');
  },

  async flow(open) {
    const [first, second] = [await open('flow'), await open('flow')];
    for (const client of [first, second]) await client.expect('You are connected to WebSocket!');
    first.socket.send(Buffer.from('not a text'));
    first.socket.send('하나');
    for (const client of [first, second]) await client.expect('하나');
  },

  async chatt(open) {
    const [first, second] = [await open('chatt'), await open('chatt')];
    const texts = ['{"mid":"게스트","msg":"안녕...","date":"now"}', 'not json'];
    for (const text of texts) first.socket.send(text);
    for (const client of [first, second]) {
      for (const text of texts) await client.expect(text);
    }
  },
};

const server = await serve(process.argv[2]);
const open = (path) => Client.open(server.url.replace('http', 'ws') + path);
try {
  for (const [name, walk] of Object.entries(walks)) {
    await walk(open);
    console.log(`ok  ws ${name}`);
  }
  const last = await open('chat');
  await last.next();
  const ended = server.stop();
  assert.equal((await last.next())[0], 1001);
  assert.deepEqual(await ended, { code: 0, signal: null });
  console.log('ok  ws shutdown');
} finally {
  server.kill();
}
process.exit(0); // clients that are still open need no Close
