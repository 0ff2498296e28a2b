// Three separate browsers on /chattstart talk to each other.
// Usage: node chatt.mjs PATH_OF_DUNLIN   (SCREENSHOT=file.png keeps a picture)

import assert from 'node:assert/strict';
import { chromium } from 'playwright-core';
import { serve } from './serve.mjs';

const FLAGS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--no-first-run',
];
const MARKUP = '<img src=x onerror="window.broken = true">';

/** One person: a context of its own, the page, and everything that went wrong on it. */
class Person {
  static async arrive(browser, url, name) {
    const person = new Person();
    person.name = name;
    person.sockets = [];
    person.problems = [];
    person.context = await browser.newContext({ locale: 'ko-KR' });
    const page = await person.context.newPage();
    page.setDefaultTimeout(10_000);
    // What the server agreed to, per socket.
    person.extensions = [];
    const network = await person.context.newCDPSession(page);
    await network.send('Network.enable');
    network.on('Network.webSocketHandshakeResponseReceived', ({ response }) => {
      const fields = Object.entries(response.headers);
      const found = fields.find(([name]) => name.toLowerCase() === 'sec-websocket-extensions');
      person.extensions.push(found?.[1]);
    });
    page.on('websocket', (socket) => person.sockets.push(socket.url()));
    page.on('pageerror', (error) => person.problems.push(String(error)));
    page.on('console', (message) => {
      if (message.type() === 'error') person.problems.push(message.text());
    });
    person.page = page;
    await page.goto(`${url}chattstart`);
    return person;
  }

  lines() {
    return this.page.locator('#talk > div');
  }

  async join() {
    await this.page.fill('#mid', this.name);
    await this.page.click('#btnJoin');
    await this.says('#btnJoin', '채팅참여중');
  }

  /** Waits until an element reads like this. */
  async says(selector, text) {
    await this.page.waitForFunction(
      ([where, wanted]) => document.querySelector(where).textContent === wanted,
      [selector, text],
    );
  }

  async send(text) {
    await this.page.fill('#msg', text);
    await this.page.press('#msg', 'Enter');
  }

  /** Waits for so many lines, and gives back the last as class, name and text. */
  async last(count) {
    await this.page.waitForFunction(
      (wanted) => document.querySelectorAll('#talk > div').length >= wanted,
      count,
    );
    assert.equal(await this.lines().count(), count, `lines of ${this.name}`);
    return this.lines().nth(count - 1).evaluate((line) => ({
      class: line.className,
      name: line.querySelector('b').textContent,
      text: line.querySelectorAll('span')[1].textContent,
    }));
  }
}

const steps = [];
const step = (title, run) => steps.push([title, run]);

step('the page is as it was asked for', async ({ people: [first] }) => {
  const { page } = first;
  assert.equal(await page.title(), '웹 소켓 채팅');
  assert.equal(await page.textContent('#chatt > h1'), '웹 소켓 채팅');
  assert.equal(await page.inputValue('#mid'), '게스트');
  assert.equal(await page.inputValue('#sendZone > #msg'), '안녕...');
  assert.equal(await page.textContent('#btnJoin'), '채팅참여');
  assert.equal(await page.textContent('#sendZone > #btnSend'), '전송');
  assert.equal(await page.getAttribute('html', 'lang'), 'ko');
  assert.equal(await page.getAttribute('#chatt > .english', 'lang'), 'en');
  assert.match(await page.textContent('#chatt > .english'), /^WebSocket chat: choose a name/);
  assert.equal(await page.textContent('#talk'), '');
});

step('sending before joining does nothing and loses nothing', async ({ people: [first] }) => {
  await first.page.click('#btnSend');
  assert.equal(await first.page.inputValue('#msg'), '안녕...');
  assert.equal(await first.page.textContent('#note > [lang=en]'), 'Please join first.');
  assert.deepEqual(first.sockets, []);
});

step('joining opens one socket, and a second click no other', async ({ people, server }) => {
  for (const person of people) {
    await person.join();
    await person.page.click('#btnJoin');
    assert.deepEqual(person.sockets, [`ws://${server.address}/chatt`]);
    const color = await person.page.evaluate(
      () => getComputedStyle(document.querySelector('#btnJoin')).color,
    );
    assert.equal(color, 'rgb(0, 0, 255)');
  }
});

step('the offer of compression is answered', async ({ people }) => {
  for (const person of people) {
    assert.equal(person.extensions.length, 1);
    assert.match(person.extensions[0], /^permessage-deflate;.*client_max_window_bits=15/);
  }
});

step('everybody sees every line in order, the sender as me', async (house) => {
  for (const sender of house.people) {
    await sender.send(`안녕, ${sender.name}입니다`);
    house.count += 1;
    for (const reader of house.people) {
      assert.deepEqual(await reader.last(house.count), {
        class: reader === sender ? 'me' : 'other',
        name: sender.name,
        text: `안녕, ${sender.name}입니다`,
      });
    }
    assert.equal(await sender.page.inputValue('#msg'), '', 'the field is cleared');
  }
});

step('the button sends too', async (house) => {
  const [first, second] = house.people;
  await second.page.fill('#msg', 'button');
  await second.page.click('#btnSend');
  house.count += 1;
  assert.equal((await first.last(house.count)).text, 'button');
});

step('a line has the structure that was asked for', async ({ people: [first], count }) => {
  const html = await first.lines().nth(count - 1).evaluate((line) => line.outerHTML);
  assert.match(
    html,
    /^<div class="other"><span><b>나<\/b><\/span> \[ [^\]<]+ \]<br><span>button<\/span><\/div>$/,
  );
});

step('markup as name and message is shown as text', async (house) => {
  const [first, second, third] = house.people;
  await second.page.fill('#mid', MARKUP);
  await second.send(MARKUP);
  house.count += 1;
  for (const reader of house.people) {
    const line = await reader.last(house.count);
    assert.equal(line.name, MARKUP);
    assert.equal(line.text, MARKUP);
    assert.equal(await reader.page.locator('#talk img').count(), 0);
    assert.equal(await reader.page.evaluate(() => window.broken), undefined);
  }
  await second.page.fill('#mid', second.name);
  assert.equal((await first.last(house.count)).class, 'other');
  assert.equal((await third.last(house.count)).class, 'other');
});

step('blank text is not sent', async (house) => {
  const [first] = house.people;
  for (const blank of ['', '   ', ' \n\t ']) await first.send(blank);
  await first.page.click('#btnSend');
  await first.send('behind the blanks');
  house.count += 1;
  for (const reader of house.people) {
    assert.equal((await reader.last(house.count)).text, 'behind the blanks');
  }
});

step('Shift+Enter is a new line', async (house) => {
  const [first, second] = house.people;
  await first.page.fill('#msg', 'one');
  await first.page.press('#msg', 'Shift+Enter');
  await first.page.type('#msg', 'two');
  await first.page.press('#msg', 'Enter');
  house.count += 1;
  assert.equal((await second.last(house.count)).text, 'one\ntwo');
});

step('an Enter that ends the composition of a syllable does not send', async (house) => {
  const [first, second] = house.people;
  await first.page.fill('#msg', '한');
  await first.page.evaluate(() =>
    document.querySelector('#msg').dispatchEvent(
      new KeyboardEvent('keydown', { key: 'Enter', isComposing: true, bubbles: true }),
    ),
  );
  assert.equal(await first.page.inputValue('#msg'), '한');
  await first.page.press('#msg', 'Enter');
  house.count += 1;
  assert.equal((await second.last(house.count)).text, '한');
});

step('the list scrolls to its end', async (house) => {
  const [first, , third] = house.people;
  for (let line = 0; line < 40; line += 1) await first.send(`line ${line}`);
  house.count += 40;
  assert.equal((await third.last(house.count)).text, 'line 39');
  for (const reader of house.people) {
    await reader.last(house.count);
    const [below, hidden] = await reader.page.evaluate(() => {
      const talk = document.querySelector('#talk');
      return [talk.scrollHeight - talk.clientHeight - talk.scrollTop, talk.scrollTop];
    });
    assert.ok(Math.abs(below) <= 1, `${below} pixels are below the view of ${reader.name}`);
    assert.ok(hidden > 0, 'the list is long enough to scroll');
  }
  if (process.env.SCREENSHOT) await first.page.screenshot({ path: process.env.SCREENSHOT });
});

step('somebody else of the same name is told apart', async (house) => {
  const [first, second, third] = house.people;
  await second.page.fill('#mid', first.name);
  await second.send('one of two');
  house.count += 1;
  const twin = (person) => person.lines().nth(house.count - 1).getAttribute('data-twin');
  for (const [reader, wanted] of [[first, 'me'], [second, 'me'], [third, 'other']]) {
    assert.equal((await reader.last(house.count)).class, wanted);
    assert.equal(await twin(reader), reader === first ? '' : null, reader.name);
  }
  assert.match(await first.page.textContent('#note'), /Somebody else uses the same name/);
  assert.equal(await second.page.textContent('#note'), '');
  await first.send('the other');
  house.count += 1;
  assert.equal((await second.last(house.count)).class, 'me');
  assert.deepEqual([await twin(second), await twin(first)], ['', null]);
  await second.page.fill('#mid', second.name);
});

step('light and dark, wide and narrow, nothing is cut and all can be read', async (house) => {
  const { page } = house.people[0];
  for (const colorScheme of ['light', 'dark']) {
    for (const [width, height] of [[1280, 800], [360, 640]]) {
      await page.emulateMedia({ colorScheme });
      await page.setViewportSize({ width, height });
      const { over, contrasts } = await page.evaluate(() => {
        const light = (color) => {
          const [r, g, b] = color.match(/[\d.]+/g).map((part) => {
            const value = Number(part) / 255;
            return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
          });
          return 0.2126 * r + 0.7152 * g + 0.0722 * b;
        };
        const ground = (element) => {
          const color = getComputedStyle(element).backgroundColor;
          return color === 'rgba(0, 0, 0, 0)' ? ground(element.parentElement) : color;
        };
        const contrast = (selector) => {
          const element = document.querySelector(selector);
          const pair = [getComputedStyle(element).color, ground(element)].map(light).sort();
          return [selector, (Math.max(...pair) + 0.05) / (Math.min(...pair) + 0.05)];
        };
        const selectors = ['h1', '.english', '#mid', '#btnJoin', '#btnSend', '#msg', '#note'];
        const { scrollWidth, scrollHeight } = document.documentElement;
        return {
          over: [scrollWidth > innerWidth, scrollHeight > innerHeight],
          contrasts: [...selectors, '#talk .me', '#talk .other'].map(contrast),
        };
      });
      const place = `${colorScheme}, ${width} by ${height}`;
      assert.deepEqual(over, [false, false], place);
      for (const [selector, contrast] of contrasts) {
        assert.ok(contrast >= 4.5, `${selector} has a contrast of ${contrast.toFixed(2)} (${place})`);
      }
      if (process.env.SCREENSHOT) {
        await page.screenshot({ path: process.env.SCREENSHOT.replace('.png', `-${colorScheme}-${width}.png`) });
      }
    }
  }
  await page.emulateMedia({ colorScheme: 'light' });
});

step('other clients cannot break the page', async (house) => {
  const [first, second] = house.people;
  await first.page.evaluate(() => {
    for (const text of ['not json', 'null', '"text"', '[]', '{"msg":{"a":1}}']) ws.send(text);
  });
  await first.send('still here');
  await second.page.waitForFunction(() => document.querySelector('#talk').textContent.includes('still here'));
  house.count = await second.lines().count();
  assert.equal((await second.last(house.count)).text, 'still here');
});

step('a lost socket gives the button back, and one can join again', async (house) => {
  for (const person of house.people) assert.deepEqual(person.problems, [], person.name);
  const ended = await house.server.stop();
  assert.deepEqual(ended, { code: 0, signal: null });
  for (const person of house.people) await person.says('#btnJoin', '채팅참여');
  house.server = await serve(house.binary, house.server.address);
  for (const person of house.people) await person.join();
  const [first, second] = house.people;
  await first.send('back again');
  house.count += 1;
  assert.equal((await second.last(house.count)).text, 'back again');
  assert.equal(first.sockets.length, 2);
});

const binary = process.argv[2];
assert.ok(binary, 'usage: node chatt.mjs PATH_OF_DUNLIN');
const house = { binary, server: await serve(binary), people: [], count: 0 };
const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: FLAGS });
try {
  for (const name of ['가', '나', '다']) {
    house.people.push(await Person.arrive(browser, house.server.url, name));
  }
  for (const [title, run] of steps) {
    await run(house);
    console.log(`ok  ${title}`);
  }
} finally {
  await browser.close();
  house.server.kill();
}
console.log(`browser: ${steps.length} steps, all well`);
