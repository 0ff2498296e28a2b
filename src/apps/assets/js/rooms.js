// The page: its panels, its composer, and what it shows of the chat.

import * as chat from './chat.js';
import * as line from './line.js';
import { $, button, make, show } from './log.js';
import { say, translate } from './words.js';

const MAX_NAME = 64, MAX_ROOM_NAME = 128; // bytes
const MAX_LISTED = 100; // rooms that are not joined, members
const NEAR = 6000; // bytes left from which on they are told
const { text, query, list, ask: dialog, answer, people, notice } = $;
const { body } = document;
const narrow = matchMedia('(max-width: 48rem)');
let shown, told = '', soon, counted, noticed;
translate();

const view = {
	state() {
		const { state, seconds } = line;
		$.state.className = state;
		$.state.replaceChildren(`${say(state, seconds)} `);
		if (/waiting|offline/.test(state)) $.state.append(button('now', line.connect));
	},

	/** Rooms, counts, title and notice: soon, and once for many changes. */
	draw() {
		soon ??= setTimeout(draw, 30);
	},

	show(room) {
		if (shown) shown.draft = text.value;
		shown = room;
		text.value = room?.draft ?? '';
		told = '';
		if (body.dataset.panel === 'rooms' || narrow.matches) panel('');
		show(room?.items ?? [], chat.waits(room));
		draw();
		grow();
		text.focus();
	},

	/** The server found it too long: back into the composer, if nothing new is there. */
	giveBack(was, why) {
		text.value ||= was;
		grow();
		view.tell(why);
	},

	refused: (room) => room === (chat.active ?? room) && rename(room.refused, `${chat.name} 2`),

	tell(what) {
		told = what;
		view.draw();
	},
};

/** What is to be done when a room is in a state in which it does not work. */
const ways = {
	replaced: ['take', chat.enter],
	closed: ['home', chat.leave],
	gone: ['reopen', (room) => attempt(chat.reopen(room))],
	taken: ['name', () => rename()],
};

function draw() {
	soon = clearTimeout(soon);
	const { active } = chat;
	const rooms = [...chat.rooms.values()];
	const wanted = query.value.trim();
	const fits = (r) => r.name.toLowerCase().includes(wanted.toLowerCase());
	const others = chat.list.filter((r) => !chat.rooms.has(r.roomId) && fits(r)).slice(0, MAX_LISTED);
	const { hash } = document.activeElement;
	list.replaceChildren(...rooms.filter(fits).concat(others).map(entry));
	if (hash) list.querySelector(`[href="${hash}"]`)?.focus();
	$.create.hidden = !wanted;
	$.create.textContent = say('create', wanted);

	const unread = rooms.reduce((sum, r) => sum + r.unread, 0) || '';
	const mark = unread && `(${unread}) `;
	const name = active?.name ?? 'dunlin';
	document.title = mark + (active ? `${name} · dunlin` : name);
	$.unread.textContent = unread;
	$.title.textContent = name;
	$.name.textContent = chat.name;
	text.placeholder = say('hint', name);
	$.composer.hidden = !active;
	$.who.hidden = active?.state !== 'in';
	$.who.textContent = say('here', active?.here?.members);
	$.delete.hidden = !chat.keys[active?.id];

	const [label, run] = ways[active?.state] ?? [!active && chat.list.length && 'home', chat.choose];
	const what = active?.refused ?? (active && label ? say(active.state) : told);
	if (noticed !== what + label) {
		noticed = what + label;
		notice.replaceChildren(what, label ? button(label, () => run(active)) : '');
	}
	notice.hidden = !what && !label;
	members();
}

function entry(room) {
	const count = (room.unread ?? room.sessions) || '';
	const link = make('a', room.items && 'joined', make('bdi', '', room.name), make('span', '', count));
	link.href = `#${room.id ?? room.roomId}`;
	if (room === chat.active) link.ariaCurrent = 'page';
	return make('li', '', link);
}

/** The outcome of a request to the server; a failure is told. */
const attempt = (promise) => promise.catch((error) => view.tell(error.message));

/** The members of the active room, asked for again when somebody came or went. */
async function members() {
	const room = chat.active;
	if (people.hidden || !room || counted === room.here) return;
	counted = room.here;
	const { names = [] } = await fetch(`/chat/${room.id}/members`).then((r) => r.json()).catch(() => ({}));
	if (room === chat.active) $.members.replaceChildren(...names.slice(0, MAX_LISTED).map((n) => make('li', '', n)));
}

/** Opens one of the panels, `rooms` or `people`, or none; on a phone they cover the conversation. */
function panel(name) {
	body.dataset.panel = name;
	people.hidden = name !== 'people';
	counted = '';
	$.open.ariaExpanded = name === 'rooms';
	$.who.ariaExpanded = name === 'people';
	$.main.inert = name && narrow.matches;
	(name === 'rooms' ? list.querySelector('a') ?? query : name ? $.leave : text).focus();
	attempt(chat.refresh());
}

/** Asks in the page; true for yes. With `value` there is a field for an answer. */
function ask(question, yes, value) {
	$.question.textContent = question;
	$.yes.textContent = say(yes);
	$.wrong.textContent = '';
	answer.hidden = value === undefined;
	answer.value = value;
	dialog.returnValue = '';
	dialog.showModal();
	answer.select();
	return new Promise((resolve) => {
		dialog.onclose = () => resolve(dialog.returnValue);
	});
}

async function rename(question = say('name'), proposed = chat.name) {
	if (dialog.open) return;
	if (await ask(question, 'save', proposed)) chat.rename(chat.cleanName(answer.value, MAX_NAME), true);
	text.focus();
}

function grow() {
	text.style.height = 0;
	text.style.height = `${text.scrollHeight}px`;
	const spare = chat.spare(text.value);
	$.spare.hidden = spare > NEAR;
	$.spare.textContent = say('bytes', spare);
}

function send(event) {
	event.preventDefault();
	const value = text.value.trimEnd();
	text.focus();
	if (!value.trim() || chat.spare(value) < 0) return;
	view.tell('');
	if (!chat.talk(value)) return;
	text.value = '';
	grow();
}

text.oninput = grow;
text.onkeydown = (event) => {
	// An Enter that ends the composition of a syllable belongs to the input method (229 in Safari).
	if (event.key === 'Enter' && !event.shiftKey && !event.isComposing && event.keyCode !== 229) send(event);
};
$.composer.onsubmit = send;
$.name.onclick = () => rename();
$.open.onclick = () => panel('rooms');
$.who.onclick = () => panel(people.hidden ? 'people' : '');
$.leave.onclick = () => {
	panel('');
	chat.leave(chat.active);
};
$.delete.onclick = async () => {
	const { id, name } = chat.active;
	if (await ask(say('sure', name), 'delete')) attempt(chat.remove(id));
};
$.form.onsubmit = (event) => {
	if (event.submitter !== $.yes || answer.hidden || chat.cleanName(answer.value, MAX_NAME)) return;
	event.preventDefault();
	$.wrong.textContent = say('bad', MAX_NAME);
};
query.oninput = draw;
query.onfocus = () => attempt(chat.refresh());
$.find.onsubmit = async (event) => {
	event.preventDefault();
	const name = chat.cleanName(query.value, MAX_ROOM_NAME);
	if (!name) return view.tell(say('bad', MAX_ROOM_NAME));
	await attempt(chat.refresh());
	const room = chat.list.find((r) => r.name === name) ?? (await attempt(chat.create(name)));
	if (!room) return;
	query.value = '';
	chat.activate(room);
};
$.rooms.onkeydown = (event) => {
	const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
	if (!step) return;
	event.preventDefault();
	const stops = [query, ...list.querySelectorAll('a')];
	stops.at((stops.indexOf(document.activeElement) + step) % stops.length).focus();
};
document.onkeydown = (event) => {
	if (event.key !== 'Escape' || dialog.open) return;
	query.value = '';
	panel('');
};
// A click on `close`, and on a phone one beside the open panel.
document.onclick = ({ target }) => {
	if (target.matches('.close') || (target === body && body.dataset.panel)) panel('');
};
window.onhashchange = async () => {
	const id = location.hash.slice(1);
	if (!id || id === chat.active?.id) return;
	if (!chat.listed(id)) await attempt(chat.refresh());
	const room = chat.listed(id);
	if (room) chat.activate(room);
	else view.tell(say('none'));
};
document.onvisibilitychange = chat.looked;
setInterval(() => document.hidden || chat.refresh().catch(() => {}), 30_000);

chat.start(view);
