// Somebody in front of the page at `/`: a browser context, the page, and everything that went wrong on it.

import assert from 'node:assert/strict';

/** A server that is away is no fault of the page. */
const EXPECTED = /ERR_CONNECTION_REFUSED|ERR_EMPTY_RESPONSE|ERR_CONNECTION_RESET|WebSocket connection to/;

export class Visitor {
  static async arrive(browser, url, options = {}) {
    const { hash = '', name, expects, answers, ...context } = options;
    const visitor = new Visitor();
    visitor.problems = [];
    visitor.context = await browser.newContext({ locale: 'en-GB', viewport: { width: 1100, height: 700 }, ...context });
    if (name) {
      await visitor.context.addInitScript((text) => {
        localStorage.getItem('dunlin.name') ?? localStorage.setItem('dunlin.name', JSON.stringify(text));
      }, name);
    }
    await visitor.use(await visitor.context.newPage());
    if (answers) await visitor.intercept();
    await visitor.page.goto(url + hash);
    if (expects) await visitor.page.waitForSelector(expects);
    else await visitor.joined();
    return visitor;
  }

  /** From now on this page of the context. */
  async use(page) {
    this.page = page;
    page.setDefaultTimeout(10_000);
    page.on('pageerror', (error) => this.problems.push(String(error)));
    page.on('console', (message) => {
      if (message.type() === 'error' && !EXPECTED.test(message.text())) this.problems.push(message.text());
    });
  }

  /**
   * Stands between the page and the server: answers each TALK with `refuse` while that is set, keeps the last
   * ENTER as `entered` and what the server said in `heard`.
   */
  async intercept() {
    this.heard = [];
    await this.page.routeWebSocket(/\/ws\/chat$/, (socket) => {
      const server = socket.connectToServer();
      this.send = (object) => socket.send(JSON.stringify(object));
      this.cut = () => socket.close({ code: 1012 });
      server.onMessage((text) => {
        this.heard.push(JSON.parse(text));
        socket.send(text);
      });
      socket.onMessage((text) => {
        const said = JSON.parse(text);
        const { type, roomId, ref } = said;
        this.room = roomId;
        if (type === 'ENTER') this.entered = said;
        if (type === 'TALK' && this.refuse) this.send({ type: 'ERROR', roomId, ref, ...this.refuse });
        else server.send(text);
      });
    });
  }

  /** Waits until the room is entered and says who is there. */
  async joined() {
    await this.page.waitForSelector('#state.online');
    await this.page.waitForSelector('#who:not([hidden])');
  }

  name() {
    return this.page.textContent('#name');
  }

  async say(text) {
    await this.page.fill('#text', text);
    await this.page.press('#text', 'Enter');
  }

  /** Waits for a message with exactly this text, and gives back its line. */
  async hears(text, times = 1) {
    await this.page.waitForFunction(
      ([wanted, count]) => [...document.querySelectorAll('#lines .text')].filter((e) => e.textContent === wanted).length === count,
      [text, times],
    );
    return this.page.locator('#lines li', { has: this.page.locator('.text', { hasText: text }) }).last();
  }

  texts() {
    return this.page.locator('#lines .text').allTextContents();
  }

  async open(room) {
    await this.page.locator('#list a', { hasText: room }).click();
    await this.titled(room);
  }

  async titled(room) {
    await this.page.waitForFunction((wanted) => document.querySelector('#title').textContent === wanted, room);
  }

  async create(room) {
    await this.page.fill('#query', room);
    await this.page.press('#query', 'Enter');
    await this.titled(room);
    await this.joined();
  }

  async rename(name) {
    await this.page.click('#name');
    await this.page.fill('#answer', name);
    await this.page.press('#answer', 'Enter');
  }

  /** Waits until something that stands between the page and the server has seen is there. */
  async until(found) {
    for (const end = Date.now() + 10_000; ; ) {
      const seen = found();
      if (seen) return seen;
      assert.ok(Date.now() < end, `in vain: ${found}`);
      await this.page.waitForTimeout(20);
    }
  }

  /** Waits until something on the page reads like this. */
  async reads(selector, wanted) {
    await this.page.waitForFunction(
      ([where, pattern]) => new RegExp(pattern).test(document.querySelector(where)?.textContent ?? ''),
      [selector, wanted.source],
    );
  }

  atPeace() {
    assert.deepEqual(this.problems, []);
  }
}
