// The page of the rooms at `/`: people talk, lose the line, share names, and nothing of theirs becomes markup.
// Usage: node rooms.mjs PATH_OF_DUNLIN

import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium } from 'playwright-core';
import { serve } from './serve.mjs';
import { Visitor } from './visitor.mjs';

const FLAGS = ['--headless', '--no-sandbox', '--disable-gpu', '--disable-background-networking', '--no-first-run'];
const MARKUP = '<img src=x onerror="window.broken=1">';
const HOSTILE = [MARKUP, '<script>window.broken=1</script>', '"><svg onload=window.broken=1>', "javascript:alert('1')", '${window.broken=1}', '$& {} |'];

const steps = [];
const step = (title, run) => steps.push([title, run]);

step('a first visitor finds a lobby, a name and the composer focused', async (house) => {
  const started = Date.now();
  const first = await house.arrive();
  assert.equal(await first.page.evaluate(() => document.activeElement.id), 'text');
  assert.match(await first.name(), /^\S+ \d\d$/);
  assert.equal(await first.page.textContent('#title'), 'Lobby');
  assert.equal(await first.page.title(), 'Lobby · dunlin');
  await first.page.keyboard.type('hello');
  await first.page.keyboard.press('Enter');
  await first.hears('hello');
  await first.page.waitForSelector('#lines .sent');
  assert.ok(Date.now() - started < 10_000);
});

step('visitors who arrive at once share one lobby, and see what was said before', async (house) => {
  const others = await Promise.all([house.arrive(), house.arrive()]);
  for (const other of others) await other.hears('hello');
  for (const visitor of house.visitors) await visitor.reads('#who', /^3 here$/);
});

step('everybody sees every message once and in order, the sender as sent', async (house) => {
  for (const [at, sender] of house.visitors.entries()) {
    for (let n = 0; n < 3; n += 1) await sender.say(`${at}.${n}`);
    for (const reader of house.visitors) {
      const line = await reader.hears(`${at}.2`);
      if (reader === sender) await reader.page.waitForFunction(() => !document.querySelector('.pending'));
      assert.match(await line.getAttribute('class'), reader === sender ? /mine sent/ : /^( |follows)*$/);
    }
  }
  const [first] = house.visitors;
  const wanted = ['hello', '0.0', '0.1', '0.2', '1.0', '1.1', '1.2', '2.0', '2.1', '2.2'];
  for (const reader of house.visitors) assert.deepEqual(await reader.texts(), wanted);
  // A message after another of the same sender stands under the same name.
  const follows = await first.page.locator('#lines li').evaluateAll((all) => all.map((li) => li.classList.contains('follows')));
  assert.deepEqual(follows, [false, true, true, true, false, true, true, false, true, true]);
});

step('markup in texts, names, rooms and addresses stays text', async (house) => {
  const [first, second] = house.visitors;
  const was = await first.name();
  await first.rename(MARKUP);
  for (const text of HOSTILE) {
    await first.say(text);
    const line = await second.hears(text);
    assert.equal(await line.locator('.by').textContent(), MARKUP);
  }
  await first.create(MARKUP);
  await second.page.reload();
  await second.joined();
  await second.page.locator('#list a', { hasText: MARKUP }).waitFor();
  const odd = await house.arrive({ hash: `#${encodeURIComponent(MARKUP)}` });
  await odd.reads('#notice', /There is no such room/);
  await odd.page.evaluate((text) => { location.hash = text; }, `"]${MARKUP}`);
  for (const visitor of house.visitors) {
    assert.equal(await visitor.page.evaluate(() => window.broken), undefined);
    assert.equal(await visitor.page.locator('img, svg, body script').count(), 0);
  }
  await first.open('Lobby');
  await first.rename(was);
  await house.leave(odd);
});

step('links are http only, and tell nobody where they were clicked', async (house) => {
  const [first, second] = house.visitors;
  await first.say('see https://example.org/a?b=1. or javascript:alert(1) or data:text/html,x');
  const line = await second.hears('see https://example.org/a?b=1. or javascript:alert(1) or data:text/html,x');
  const links = await line.locator('a').evaluateAll((all) => all.map((a) => [a.href, a.rel, a.target]));
  assert.deepEqual(links, [['https://example.org/a?b=1', 'noopener noreferrer', '_blank']]);
});

step('Enter sends, Shift+Enter does not, nor does one that ends a syllable, nor a blank text', async (house) => {
  const [first, second] = house.visitors;
  const { page } = first;
  await page.fill('#text', '한');
  await page.evaluate(() => document.querySelector('#text').dispatchEvent(new KeyboardEvent('keydown', { key: 'Enter', isComposing: true, bubbles: true })));
  assert.equal(await page.inputValue('#text'), '한');
  await page.press('#text', 'Shift+Enter');
  await page.keyboard.type('글');
  await page.keyboard.press('Enter');
  await second.hears('한\n글');
  const before = await first.texts();
  for (const blank of ['', '  ', '\n\t ']) await first.say(blank);
  assert.deepEqual(await first.texts(), before);
  await page.fill('#text', '');
});

step('unread messages are counted for each room and in the title', async (house) => {
  const [first, second] = house.visitors;
  await first.create('Reeds');
  await second.page.fill('#query', 'reeds');
  await second.open('Reeds');
  await second.joined();
  await second.page.fill('#query', '');
  await first.page.fill('#text', 'a draft');
  await first.open('Lobby');
  assert.equal(await first.page.inputValue('#text'), '', 'a draft stays with its room');
  for (const text of ['one', 'two', 'three']) await second.say(text);
  await first.page.waitForFunction(() => document.title === '(3) Lobby · dunlin');
  assert.equal(await first.page.locator('#list a', { hasText: 'Reeds' }).locator('span').textContent(), '3');
  await first.open('Reeds');
  await first.hears('three');
  assert.equal(await first.page.inputValue('#text'), 'a draft');
  await first.page.waitForFunction(() => document.title === 'Reeds · dunlin');
  await first.page.fill('#text', '');
  for (const visitor of [first, second]) await visitor.open('Lobby');
});

step('a name that is taken is told, and another one can be chosen at once', async (house) => {
  const [first] = house.visitors;
  await first.rename('Anna');
  await first.say('I am Anna');
  const second = await house.arrive({ name: 'Anna', expects: '#ask[open]' });
  await second.reads('#question', /“Anna” is taken here/);
  assert.equal(await second.page.inputValue('#answer'), 'Anna 2');
  await second.page.keyboard.press('Enter');
  await second.joined();
  await second.say('and I am another');
  const line = await first.hears('and I am another');
  assert.equal(await line.locator('.by').textContent(), 'Anna 2');
  for (const bad of ['x'.repeat(65), 'a\u202eb', 'a\u200db']) {
    await second.page.click('#name');
    await second.page.fill('#answer', bad);
    await second.page.press('#answer', 'Enter');
    await second.reads('#wrong', /Up to 64 bytes/);
    await second.page.keyboard.press('Escape');
    await second.page.waitForFunction(() => !document.querySelector('#ask').open);
  }
  assert.equal(await second.name(), 'Anna 2');
  await house.leave(second);
});

step('two tabs of one browser are two people, also when one is a copy of the other', async (house) => {
  const first = await house.arrive({ name: 'Bo' });
  const [copy] = await Promise.all([
    first.context.waitForEvent('page'),
    first.page.evaluate(() => { window.open(location.href); }),
  ]);
  const second = Object.assign(new Visitor(), { context: first.context, problems: first.problems });
  await second.use(copy);
  await second.page.waitForSelector('#ask[open]');
  await second.page.keyboard.press('Enter');
  await second.joined();
  await second.say('from the copy');
  await first.hears('from the copy');
  assert.deepEqual([await first.name(), await second.name()], ['Bo', 'Bo 2']);
  assert.equal(await first.page.locator('#notice').isHidden(), true);
  // A reload keeps the name, without a question.
  await second.page.reload();
  await second.joined();
  assert.equal(await second.name(), 'Bo 2');
  await house.leave(first);
});

step('a room that was taken over by another window says so, and can be taken back', async (house) => {
  const first = await house.arrive({ name: 'Cy' });
  const storage = await first.page.evaluate(() => ({ ...sessionStorage }));
  const second = new Visitor();
  Object.assign(second, { context: first.context, problems: first.problems });
  const page = await first.context.newPage();
  await second.use(page);
  await page.addInitScript((items) => {
    for (const [key, value] of Object.entries(items)) sessionStorage.setItem(key, value);
    sessionStorage.setItem('dunlin.left', 'true'); // as if the other tab had been closed
  }, storage);
  await page.goto(house.server.url);
  await second.joined();
  await first.reads('#notice', /open in another window/);
  await first.page.click('#notice button');
  await second.reads('#notice', /open in another window/);
  await first.joined();
  await first.say('here again');
  await first.page.waitForFunction(() => !document.querySelector('.pending'));
  await house.leave(first);
});

step('who has scrolled up stays there, and a button counts what came', async (house) => {
  const [first, second] = house.visitors;
  for (let n = 0; n < 30; n += 1) await first.say(`line ${n}`);
  await second.hears('line 29');
  // It goes to the end with the next frame: scrolled up before that, the last line would count as below.
  await second.page.evaluate(() => new Promise(requestAnimationFrame));
  const top = () => second.page.evaluate(() => document.querySelector('#log').scrollTop);
  await second.page.evaluate(() => { document.querySelector('#log').scrollTop = 10; });
  await second.page.waitForSelector('#jump:not([hidden])');
  await first.say('below 1');
  await first.say('below 2');
  await second.reads('#jump', /2/);
  assert.ok((await top()) < 50);
  await second.page.click('#jump');
  assert.ok((await top()) > 100);
  assert.equal(await second.page.locator('#jump').isHidden(), true);
  await first.say('at the end');
  await second.hears('at the end');
  await second.page.waitForFunction(() => {
    const log = document.querySelector('#log');
    return log.scrollHeight - log.scrollTop - log.clientHeight < 2;
  });
});

step('who reads at the end stays there, however much comes at once, and can leave it', async (house) => {
  const visitor = await house.arrive({ answers: true, name: 'Flooded' });
  const { page } = visitor;
  await visitor.say('before the flood');
  const { id } = await visitor.until(() => visitor.heard.find((m) => m.type === 'TALK' && m.message === 'before the flood'));
  const flood = (from, to) => {
    for (let n = from; n <= to; n += 1) {
      visitor.send({ type: 'TALK', roomId: visitor.room, sender: 'Elsewhere', message: `flood\n${n}`, id: id + n, date: Date.now() });
    }
  };
  flood(1, 1500); // more than the page keeps
  await visitor.hears('flood\n1500');
  await page.evaluate(() => new Promise(requestAnimationFrame));
  assert.equal(await page.locator('#jump').isHidden(), true, 'it has left the end');
  await page.waitForFunction(() => {
    const log = document.querySelector('#log');
    return log.scrollHeight - log.scrollTop - log.clientHeight < 2;
  });
  flood(1501, 1800);
  await page.evaluate(() => { document.querySelector('#log').scrollTop -= 400; });
  await page.waitForSelector('#jump:not([hidden])');
  await visitor.hears('flood\n1800');
  assert.equal(await page.locator('#jump').isHidden(), false, 'it was drawn back to the end');
  await house.leave(visitor);
});

step('a text near the limit shows what is left, and one past it is not sent', async (house) => {
  const [first, second] = house.visitors;
  await first.page.fill('#text', 'x'.repeat(65_000));
  await first.reads('#spare', /^\d+ bytes left$/);
  await first.say('y'.repeat(70_000));
  await first.reads('#spare', /^-\d+ bytes left$/);
  assert.equal((await first.page.inputValue('#text')).length, 70_000);
  const long = '한'.repeat(21_000);
  await first.say(long);
  await second.hears(long);
});

step('all can be done by keyboard', async (house) => {
  const visitor = await house.arrive();
  const { page } = visitor;
  const focused = () => page.evaluate(() => document.activeElement.id || document.activeElement.textContent);
  await page.keyboard.press('Shift+Tab');
  assert.equal(await focused(), 'name');
  await page.keyboard.press('Enter');
  await page.keyboard.type('Keys');
  await page.keyboard.press('Enter');
  await page.waitForFunction(() => document.activeElement.id === 'text');
  await visitor.joined();
  await page.focus('#query');
  await page.keyboard.type('Keyboard');
  await page.keyboard.press('Enter');
  await visitor.titled('Keyboard');
  await visitor.joined();
  await page.keyboard.type('by keys');
  await page.keyboard.press('Enter');
  await visitor.hears('by keys');
  await page.focus('#query');
  await page.keyboard.press('ArrowDown');
  assert.match(await focused(), /^Lobby/);
  assert.notEqual(await page.evaluate(() => getComputedStyle(document.activeElement).outlineStyle), 'none');
  await page.keyboard.press('Enter');
  await visitor.titled('Lobby');
  await page.focus('#who');
  await page.keyboard.press('Enter');
  await page.waitForSelector('#people:not([hidden])');
  await visitor.reads('#members', /Keys/);
  await page.keyboard.press('Escape');
  assert.equal(await focused(), 'text');
  assert.equal(await page.locator('#people').isHidden(), true);
  await house.leave(visitor);
});

step('who created a room can delete it, after a question, and nobody else', async (house) => {
  const [first, second] = house.visitors;
  await first.create('Brief');
  await second.page.reload();
  await second.joined();
  await second.open('Brief');
  await second.joined();
  await second.page.click('#who');
  assert.equal(await second.page.locator('#delete').isHidden(), true);
  await first.page.click('#who');
  await first.page.click('#delete');
  await first.reads('#question', /Delete “Brief” for everybody/);
  await first.page.keyboard.press('Escape');
  await first.page.click('#delete');
  await first.page.click('#yes');
  for (const visitor of [first, second]) {
    await visitor.reads('#notice', /This room was closed/);
    await visitor.page.click('#notice button');
    await visitor.page.waitForFunction(() => document.querySelector('#title').textContent !== 'Brief');
    await visitor.open('Lobby');
    if (await visitor.page.locator('#people').isVisible()) await visitor.page.click('#who');
  }
});

step('what the server refuses is marked, and can be sent again or discarded', async (house) => {
  const visitor = await house.arrive({ answers: true });
  const { page } = visitor;
  visitor.refuse = { code: 'forbidden', message: 'Not today.' };
  await visitor.say('refused');
  await visitor.reads('.failed .mark', /Not sent: Not today\./);
  visitor.refuse = null;
  await page.click('.failed button');
  await page.waitForFunction(() => !document.querySelector('.failed, .pending'));
  await visitor.hears('refused');
  visitor.refuse = { code: 'forbidden', message: 'No.' };
  await visitor.say('in vain');
  await page.waitForSelector('.failed');
  await page.click('.failed button >> nth=1');
  await page.waitForFunction(() => !document.querySelector('.failed'));
  for (const code of ['too-fast', 'engine-unavailable']) {
    visitor.refuse = { code, message: 'later' };
    await visitor.say(`after ${code}`);
    await page.waitForSelector('.pending');
    visitor.refuse = null;
    await page.waitForFunction(() => !document.querySelector('.pending'));
    await visitor.hears(`after ${code}`);
  }
  visitor.refuse = { code: 'too-long', message: 'Too long here.' };
  await visitor.say('a long one');
  await visitor.reads('#notice', /Too long here/);
  assert.equal(await page.inputValue('#text'), 'a long one');
  visitor.send({ type: 'GAP', roomId: visitor.room, from: 1, to: 2 });
  await visitor.reads('.note', /some messages may be missing here/);
  await house.leave(visitor);
});

step('in a new epoch of the room ids come again, and nothing is dropped or shown twice', async (house) => {
  const visitor = await house.arrive({ answers: true, name: 'Epoch' });
  const { page } = visitor;
  await visitor.say('kept');
  const { id } = await visitor.until(() => visitor.heard.find((m) => m.type === 'TALK' && m.message === 'kept'));
  const roomId = visitor.room;
  const talk = (n, message, date) => visitor.send({ type: 'TALK', roomId, sender: 'Elsewhere', message, id: id + n, date: 1e12 + date });
  talk(1, 'lost with the engine', 1);
  talk(2, 'lost and said again', 2);
  await visitor.hears('lost and said again');
  const before = await visitor.texts();
  visitor.send({ type: 'EPOCH', roomId, epoch: 'e0e0e0e0e0e0e0e0', id });
  talk(1, 'another of its id', 3);
  talk(2, 'lost and said again', 4);
  talk(2, 'lost and said again', 4); // as it comes when the line was lost in between
  talk(3, 'lost and said again', 5); // the same words a second time, in a place of their own
  await visitor.hears('lost and said again', 2);
  assert.deepEqual(await visitor.texts(), [...before, 'another of its id', 'lost and said again']);
  assert.equal(await page.locator('.note').count(), 0, 'people are told nothing');
  assert.equal(await page.title(), 'Lobby · dunlin');
  // It goes on from there when the line is lost.
  visitor.entered = null;
  await visitor.cut();
  await page.waitForFunction(() => document.querySelector('#state').className === 'online');
  await visitor.until(() => visitor.entered);
  assert.deepEqual(visitor.entered.since, { epoch: 'e0e0e0e0e0e0e0e0', id: id + 3 });
  await house.leave(visitor);
});

step('a lost line comes back, and what was written meanwhile is sent once', async (house) => {
  const [first, second] = house.visitors;
  await house.server.stop();
  await first.page.waitForSelector('#state:is(.waiting, .connecting)');
  await first.say('written without a server');
  await first.page.waitForSelector('.pending');
  assert.match(await first.page.textContent('.pending .mark'), /waiting to be sent/);
  house.server = await serve(house.binary, house.server.address);
  for (const visitor of [first, second]) {
    await visitor.joined();
    await visitor.hears('written without a server');
    await visitor.reads('#lines', /some messages may be missing here/);
  }
  await first.page.waitForFunction(() => !document.querySelector('.pending'));
  const rooms = await (await fetch(`${house.server.url}chat`)).json();
  assert.equal(rooms.filter((r) => r.name === 'Lobby').length, 1);
});

step('with history on disk, nothing is missing after a restart, nor pending after a reload', async (house) => {
  const dir = await mkdtemp(join(tmpdir(), 'dunlin-'));
  const server = await serve(house.binary, undefined, '--history-dir', dir);
  try {
    const [first, second] = [await house.arrive({ url: server.url }), await house.arrive({ url: server.url })];
    await first.say('before');
    await second.hears('before');
    await new Promise((resolve) => setTimeout(resolve, 1500)); // what is older than a second is on the disk
    await server.stop();
    await second.page.waitForSelector('#state:is(.waiting, .connecting)');
    await second.say('in between');
    await second.page.waitForSelector('.pending');
    Object.assign(server, await serve(house.binary, server.address, '--history-dir', dir));
    await second.page.reload(); // what waited is sent by the new page
    for (const visitor of [second, first]) {
      await visitor.joined();
      await visitor.hears('before');
      await visitor.hears('in between');
      assert.equal(await visitor.page.locator('.note').count(), 0);
      await house.leave(visitor);
    }
  } finally {
    server.kill();
    await rm(dir, { recursive: true });
  }
});

step('Korean by the language of the browser', async (house) => {
  const visitor = await house.arrive({ locale: 'ko-KR' });
  assert.equal(await visitor.page.getAttribute('html', 'lang'), 'ko');
  await visitor.reads('#state', /연결됨/);
  assert.match(await visitor.page.getAttribute('#text', 'placeholder'), /에 쓰기$/);
  await visitor.say('안녕하세요');
  const line = await visitor.hears('안녕하세요');
  assert.match(await line.locator('time').textContent(), /^오[전후] \d/);
  await house.leave(visitor);
});

step('wide and narrow, light and dark, nothing is cut and all can be read', async (house) => {
  const visitor = await house.arrive();
  const { page } = visitor;
  await visitor.say(`${'long'.repeat(200)} مرحبا`);
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
          const pair = [getComputedStyle(element).color, ground(element)].map(light);
          return [selector, (Math.max(...pair) + 0.05) / (Math.min(...pair) + 0.05)];
        };
        const wide = [...document.querySelectorAll('body *')].filter((e) => e.scrollWidth > e.clientWidth + 1 && e.clientWidth > 1 && getComputedStyle(e).overflowX !== 'hidden');
        return {
          over: [document.documentElement.scrollWidth > innerWidth, ...wide.map((e) => e.outerHTML.slice(0, 80))],
          contrasts: ['#title', '#state', '#who', '.by', '.text', 'time', '.day', '#name', '#text', '#list a', '.brand'].map(contrast),
        };
      });
      const place = `${colorScheme}, ${width} by ${height}`;
      assert.deepEqual(over, [false], place);
      for (const [selector, contrast] of contrasts) assert.ok(contrast >= 4.5, `${selector}: ${contrast.toFixed(2)} (${place})`);
    }
  }
  await page.click('#open');
  await page.waitForSelector('#list a:focus');
  await page.keyboard.press('Escape');
  await page.waitForFunction(() => document.activeElement.id === 'text');
  await page.click('#open');
  await page.mouse.click(350, 300);
  await page.waitForFunction(() => getComputedStyle(document.querySelector('nav')).display === 'none');
  await house.leave(visitor);
});

const binary = process.argv[2];
assert.ok(binary, 'usage: node rooms.mjs PATH_OF_DUNLIN');
const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: FLAGS });
const house = {
  binary,
  server: await serve(binary),
  visitors: [],
  async arrive({ url = house.server.url, ...options } = {}) {
    const visitor = await Visitor.arrive(browser, url, options);
    house.visitors.push(visitor);
    return visitor;
  },
  async leave(visitor) {
    visitor.atPeace();
    house.visitors = house.visitors.filter((other) => other !== visitor);
    await visitor.context.close();
  },
};
try {
  for (const [title, run] of steps) {
    await run(house).catch((error) => {
      throw new Error(title, { cause: error });
    });
    console.log(`ok  ${title}`);
  }
  for (const visitor of house.visitors) visitor.atPeace();
} finally {
  await browser.close();
  house.server.kill();
}
console.log(`rooms: ${steps.length} steps, all well`);
