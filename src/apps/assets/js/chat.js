// What the page knows of rooms and messages, and its half of the subprotocol dunlin.v1.

import * as line from './line.js';
import * as log from './log.js';
import { browser, identify, secret, tab } from './store.js';
import { proposal, say } from './words.js';

const MAX_FRAME = 65536; // bytes of a chat text; more would close the connection
const MAX_JOINED = 64; // rooms a connection
const MAX_KEPT = 500; // messages a room
const MAX_PENDING = 50;
const SAME_REF = 270_000; // the server knows a ref for 5 minutes; later, sending again could send twice
const RETRY = 1500; // ms, and up to twice as much, before what the server would not do is tried again

export const rooms = new Map(); // those opened here, by id
export const keys = browser.read('keys') ?? {}; // Room-Key of each room created here
export let list = []; // all rooms of the server
export let active; // the room that is shown
export let name = tab.read('name') ?? browser.read('name');
let isChosen = !!name;
let pending = []; // in the order in which they were written
let view, client, saving, retrying;
name ??= proposal();

const bytes = (text) => new TextEncoder().encode(text).length;
const later = (room) => /^(in|entering)$/.test(room.state);

/** The text as a name that the server takes, or nothing: no control or format characters. */
export function cleanName(text, max) {
	const clean = text.normalize('NFC').trim();
	return bytes(clean) <= max && !/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u.test(clean) && clean;
}

const newRoom = (id, title, ...read) => ({ id, name: title, read, state: 'away', items: [], unread: 0, last: 0 });
export const listed = (id) => list.find((r) => r.roomId === id);

/** `told` is told what changed: `state()`, `draw()`, `show(room)`, `tell(text)`, `refused(room)`, `giveBack(text, why)`. */
export async function start(told) {
	view = told;
	client = await identify();
	for (const room of browser.read('rooms') ?? []) rooms.set(room[0], newRoom(...room));
	pending = (tab.read('pending') ?? []).filter((p) => rooms.has(p.room));
	pending.forEach(equip);
	line.start({ state: view.state, open, lost, message, probe: () => active?.state === 'in' && enter(active) });
}

async function open() {
	for (const room of [active, ...rooms.values()]) if (room?.state === 'away') enter(room);
	try {
		await refresh();
		if (!active) await choose();
	} catch {
		line.lost();
	}
}

function lost() {
	for (const p of pending) p.flying = false;
	for (const room of rooms.values()) if (later(room)) room.state = 'away';
	view.draw();
}

// Rooms

async function request(path, method, headers) {
	const answer = await fetch(`/chat${path}`, { method, headers });
	if (answer.ok) return answer;
	if (!path && answer.status === 404) location.replace('/about'); // a server without rooms
	throw new Error((await answer.json().catch(() => answer)).message ?? answer.status);
}

export async function refresh() {
	list = await (await request('')).json();
	view.draw();
}

/** The room of the address, that of last time, the first, or a new lobby. */
export async function choose() {
	// What waits for a room that is gone is kept until the room is left or opened again.
	for (const id of rooms.keys()) if (!listed(id) && !pending.some((p) => p.room === id)) rooms.delete(id);
	const wanted = location.hash.slice(1);
	const room = listed(wanted) ?? listed(browser.read('active')) ?? list[0] ?? (await create(say('lobby'), () => true));
	activate(room);
	if (wanted && wanted !== room.roomId) view.tell(say('none'));
}

/**
 * Creates a room. With `like`, several pages may do so at once: all take the first that fits, and those
 * that came later remove theirs, which nobody has entered.
 */
export async function create(title, like) {
	const answer = await request(`?name=${encodeURIComponent(title)}`, 'POST');
	const mine = await answer.json();
	keys[mine.roomId] = answer.headers.get('Room-Key');
	for (const id of Object.keys(keys).slice(0, -MAX_JOINED)) delete keys[id];
	browser.write('keys', keys);
	await refresh();
	const first = (like && list.find(like)) ?? mine;
	if (first.roomId !== mine.roomId) await remove(mine.roomId);
	return first;
}

export async function remove(id) {
	await request(`/${id}`, 'DELETE', { 'Room-Key': keys[id] });
	delete keys[id];
	browser.write('keys', keys);
	await refresh();
}

export function activate({ roomId, name: title }) {
	let room = rooms.get(roomId);
	if (!room) {
		if (rooms.size >= MAX_JOINED) leave([...rooms.values()].find((r) => r !== active && !r.lobby));
		room = newRoom(roomId, title);
		rooms.set(roomId, room);
	}
	active = room;
	// The first room is there for everybody: when the server has lost it, it comes back by itself.
	room.lobby ||= list[0]?.roomId === roomId;
	if (room.state === 'away') enter(room);
	view.show(room);
	looked();
	history.replaceState(null, '', `#${roomId}`);
}

export function enter(room) {
	if (room.state !== 'in') room.state = 'entering';
	delete room.refused;
	const since = room.epoch && { epoch: room.epoch, id: room.last };
	line.send({ type: 'ENTER', roomId: room.id, sender: name, client, since, last: 100 });
}

const depart = (room) => room.state === 'in' && line.send({ type: 'LEAVE', roomId: room.id });

export function leave(room) {
	depart(room);
	rooms.delete(room.id);
	pending = pending.filter((p) => p.room !== room.id);
	save();
	if (room !== active) return;
	active = null;
	const other = list.find((r) => rooms.has(r.roomId)) ?? list.find((r) => r.roomId !== room.id);
	if (other) activate(other);
	else view.show();
}

/** The server does not know the room any more: takes another of that name, or creates it again. */
export async function reopen(room) {
	const like = (r) => r.name === room.name;
	await refresh();
	const { roomId } = list.find(like) ?? (await create(room.name, like));
	rooms.delete(room.id);
	for (const p of pending) if (p.room === room.id) p.room = roomId;
	Object.assign(room, { id: roomId, state: 'away' });
	rooms.set(roomId, room);
	if (room === active) activate({ roomId });
	else enter(room);
}

/** What the active room shows has been seen. */
export function looked() {
	if (active && !document.hidden) {
		active.unread = 0;
		active.read = [active.epoch, active.last];
	}
	save();
	view.draw();
}

function save() {
	tab.write('pending', pending);
	saving ||= setTimeout(() => {
		saving = 0;
		browser.write('rooms', [...rooms.values()].map((r) => [r.id, r.name, ...r.read]));
		browser.write('active', active?.id);
	}, 300);
}

/** Takes another name, in all rooms. */
export function rename(to, chosen) {
	name = to;
	isChosen = chosen;
	tab.write('name', name);
	if (chosen) browser.write('name', name);
	for (const room of rooms.values()) {
		if (!later(room) && room.state !== 'taken') continue;
		depart(room);
		room.state = 'away';
		enter(room);
	}
	view.draw();
}

// Messages

const frame = (p) => ({ type: 'TALK', roomId: p.room, message: p.text, ref: p.ref });

/** Bytes that a text may still grow by. */
export const spare = (text) => MAX_FRAME - bytes(JSON.stringify(frame({ room: active?.id, text, ref: client })));

export const waits = (room) => pending.filter((p) => p.room === room?.id);

function equip(p) {
	p.flying = false;
	p.again = () => {
		Object.assign(p, { failed: '', flying: false, date: Date.now() });
		resend(rooms.get(p.room));
	};
	p.discard = () => forget(p);
}

/** Whether the text was taken, to be sent now or when the line is back. */
export function talk(text) {
	if (pending.length >= MAX_PENDING) return view.tell(say('full'));
	const p = { room: active.id, ref: secret(), sender: name, text, date: Date.now(), mine: true };
	equip(p);
	pending.push(p);
	resend(active);
	return true;
}

/** Sends what waits for this room, under the refs that it had before. */
function resend(room) {
	for (const p of room.state === 'in' ? waits(room) : []) {
		if (p.flying || p.failed) continue;
		if (p.tried && Date.now() - p.date > SAME_REF) p.failed = '?';
		else {
			p.flying = p.tried = true;
			line.send(frame(p));
		}
	}
	changed();
}

/** What waits to be sent is another. */
function changed() {
	save();
	log.wait(waits(active));
}

function forget(p) {
	pending = pending.filter((other) => other !== p);
	changed();
}

const answers = {
	ENTERED(m, room) {
		// On the first sight of a room, what came since it was last read is new.
		const first = !room.epoch, [epoch, id] = room.read;
		if (!first && !m.recovered) answers.GAP({ to: 0 }, room);
		Object.assign(room, { state: 'in', epoch: m.epoch, here: m });
		for (const one of m.messages) add(room, one, {}, !first || (epoch === m.epoch && one.id > id));
		room.last = m.id;
		resend(room);
		if (room === active) looked();
	},

	TALK(m, room, p) {
		if (p) pending = pending.filter((other) => other !== p);
		add(room, m, p ?? {}, true);
		if (p) changed();
	},

	JOINED(m, room) { // the page shows the number, and the names on demand
		room.here = m;
	},

	GAP(m, room) {
		room.last = Math.max(room.last, m.to);
		push(room, { note: say('gap'), date: room.items.at(-1)?.date ?? Date.now() });
	},

	EPOCH({ epoch, id }, room) {
		// What was told behind this id the server has lost. It stays, and said again it is not shown twice.
		for (const i of room.items) i.lost ||= i.id > id;
		Object.assign(room, { epoch, last: id, read: [epoch, id - room.unread] });
	},

	CLOSED(m, room) {
		room.state = m.reason === 'replaced' ? 'replaced' : 'closed';
		refresh().catch(() => {});
	},

	ERROR({ code, message }, room, p) {
		if (p) p.flying = false;
		if (code === 'too-fast' || code === 'engine-unavailable') {
			const wait = RETRY + Math.random() * RETRY;
			line.pause(wait);
			retrying ||= setTimeout(() => {
				retrying = 0;
				for (const r of rooms.values()) (r.state === 'entering' ? enter : resend)(r);
			}, wait);
		} else if (code === 'unknown-room') {
			if (!room || room.state === 'gone') return;
			room.state = 'gone';
			if (room.lobby) setTimeout(() => reopen(room).catch(() => {}), Math.random() * 500);
		} else if (p && code === 'not-entered') {
			room.state = 'away';
			enter(room);
		} else if (p && code === 'too-long') {
			forget(p);
			view.giveBack(p.text, message);
		} else if (p) {
			p.failed = `: ${message}`;
			changed();
		} else if (code === 'name-taken' && !isChosen) rename(proposal());
		else if (room?.state === 'entering') {
			room.state = 'taken';
			room.refused = code === 'name-taken' ? say('taken', name) : message;
			view.refused(room);
		} else view.tell(message);
	},
};

answers.LEFT = answers.JOINED;

function message(m) {
	const room = rooms.get(m.roomId);
	if (room || m.type === 'ERROR') answers[m.type]?.(m, room, m.ref && pending.find((p) => p.ref === m.ref));
	view.draw();
}

/** A message of the room, unless it is there already; `item` is what waited for this receipt. */
function add(room, m, item, unread) {
	const { id, sender, date } = m, { epoch } = room, text = m.message ?? '';
	const again = (i) => i.sender === sender && i.text === text && (i.date === date || (i.lost && i.id === id));
	const shown = room.items.find((i) => (i.epoch === epoch ? i.id === id : again(i)));
	if (id > room.last) room.last = id;
	if (shown) return Object.assign(shown, { id, epoch });
	Object.assign(item, { id, epoch, sender, text, date, mine: item.mine || sender === name });
	if (room === active && !document.hidden) room.read = [epoch, id];
	else if (unread && !item.mine) room.unread += 1;
	save();
	push(room, item);
}

function push(room, item) {
	room.items.push(item);
	if (room.items.length > MAX_KEPT) room.items.shift();
	if (room === active) log.add(item);
}
