// The list of messages: grouped by day and sender, bounded, at its end unless scrolled up.
// An item is a message, one without an id waits to be sent; with `note` it is a quiet line.

import { locale, say } from './words.js';

const LINK = /(https?:\/\/[^\s<>\p{C}]*[^\s<>\p{C}.,:;!?)\]])/u;

/** The elements of the page by their ids. */
export const $ = new Proxy({}, { get: (_, id) => document.getElementById(id) });
const { log, lines, jump } = $;

const waiting = new Map(); // items that wait to be sent, which are always the last, and their lines
let stuck = true, below = 0, top = 0;

/** An element; strings become text nodes, never markup. */
export function make(name, className = '', ...children) {
	const element = document.createElement(name);
	element.className = className;
	element.append(...children);
	return element;
}

export function button(key, run) {
	const element = make('button', '', say(key));
	element.type = 'button';
	element.onclick = run;
	return element;
}

/** The parts of a text, http and https addresses as links. */
const linked = (text) => text.split(LINK).map((part, at) =>
	at % 2 ? Object.assign(make('a', '', part), { href: part, target: '_blank', rel: 'noopener noreferrer' }) : part);

function end() {
	stuck = true;
	log.scrollTop = log.scrollHeight;
	count(0);
}

/** How many messages came below what is shown. */
function count(n) {
	below = stuck ? 0 : n;
	top = log.scrollTop;
	log.style.overflowAnchor = stuck ? 'none' : ''; // at the end only a reader scrolls up
	jump.hidden = stuck;
	jump.textContent = say('jump', below || '');
}

// Lines may have come since this page scrolled to the end itself: far from it is not yet scrolled up.
log.onscroll = () => {
	stuck = log.scrollHeight - log.scrollTop - log.clientHeight < 32 || (stuck && log.scrollTop >= top);
	count(below);
};
jump.onclick = end;
new ResizeObserver(() => stuck && end()).observe(log);

/** Shows a room, without having all of it read out. */
export function show(items, pending) {
	log.ariaLive = 'off';
	lines.replaceChildren();
	waiting.clear();
	items.forEach(add);
	wait(pending);
	end();
	setTimeout(() => { log.ariaLive = 'polite'; }, 100);
}

/** Another item of the room, perhaps one that waited. */
export function add(item) {
	const line = waiting.get(item) ?? make('li');
	waiting.delete(item);
	const [next = null] = waiting.values();
	if (!line.parentNode || line.nextSibling !== next) lines.insertBefore(line, next);
	fill(line, item);
	if (lines.childElementCount > 500) lines.firstChild.remove();
	for (const other of [line, next, lines.firstChild]) if (other) frame(other);
	moved(item);
}

/** What waits to be sent, and by whom. */
export function wait(pending) {
	for (const [item, line] of waiting) {
		if (pending.includes(item)) continue;
		line.remove();
		waiting.delete(item);
	}
	for (const item of pending) {
		let line = waiting.get(item);
		if (line && line.failed === item.failed) continue;
		if (!line) {
			lines.append((line = make('li')));
			waiting.set(item, line);
			moved(item);
		}
		fill(line, item);
		frame(line);
	}
}

function moved(item) {
	if (stuck || item.mine) {
		stuck = true;
		requestAnimationFrame(() => (stuck ? end() : count(below + 1)));
	} else if (!item.note) count(below + 1);
}

function fill(line, item) {
	const { sender, text, failed, note } = item;
	Object.assign(line, { item, failed, className: 'note' });
	if (note) return line.append(make('p', '', note));
	const state = item.id ? 'sent' : failed ? 'failed' : 'pending';
	line.className = item.mine ? `mine ${state}` : '';
	const date = new Date(item.date);
	const time = make('time', '', date.toLocaleTimeString(locale, { timeStyle: 'short' }));
	time.title = date.toLocaleString(locale);
	const said = make('div', 'text', ...linked(text));
	said.dir = 'auto';
	line.replaceChildren(make('bdi', 'by', sender), said, time);
	if (!item.mine) return;
	const mark = make('span', 'mark', say(state));
	if (failed) mark.append(failed, button('retry', item.again), button('discard', item.discard));
	line.append(mark);
}

/** What a line shows because of the one before it: the day, the name. */
function frame(line) {
	const { item } = line, last = line.previousSibling?.item;
	const date = new Date(item.date);
	const another = !last || new Date(last.date).toDateString() !== date.toDateString();
	line.querySelector('.day')?.remove();
	if (another) line.prepend(make('p', 'day', date.toLocaleDateString(locale, { dateStyle: 'full' })));
	const by = (i) => i.mine || i.sender;
	const alone = another || last.note || item.note || by(last) !== by(item);
	// Messages of one sender within 5 minutes stand under one name.
	line.classList.toggle('follows', !alone && item.date - last.date < 300_000);
}
