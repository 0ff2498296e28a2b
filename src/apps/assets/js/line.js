// The connection: opens, sends no faster than the server allows, notices silence, comes back by itself.

const FIRST = 500, LAST = 20_000; // ceiling of the wait before another attempt, in ms
const SILENCE = 10_000; // an answer takes no longer, or the line is dead
const STABLE = 5000; // a line that held so long starts the back-off anew
const BURST = 8, EVERY = 65; // the server takes 20 joins a second: 8 at once, then one each 65 ms

export let state = 'connecting'; // or online, waiting, offline
export let seconds; // to the next attempt
let events, socket, since, timer, countdown, deadline, flushing;
let queue = [], tries = 0, tokens = 0, filled = 0, paused = 0;

/** `told`: `state()`, `open()`, `lost()`, `message(object)`, and `probe()`, which sends what is answered. */
export function start(told) {
	events = told;
	const wake = () => (socket ? events.probe() : connect());
	window.addEventListener('online', wake);
	window.addEventListener('offline', () => show('offline'));
	document.addEventListener('visibilitychange', () => document.hidden || wake());
	connect();
}

export function connect() {
	clearTimeout(timer);
	clearInterval(countdown);
	if (socket) return;
	socket = new WebSocket(`${location.origin.replace('http', 'ws')}/ws/chat`, 'dunlin.v1');
	show('connecting');
	expect();
	socket.onopen = () => {
		since = Date.now();
		heard();
		events.open();
	};
	socket.onmessage = ({ data }) => {
		heard();
		events.message(JSON.parse(data));
	};
	socket.onclose = ({ code }) => lost(code);
}

/** From now on something has to come within SILENCE. */
function expect() {
	deadline ||= setTimeout(lost, SILENCE);
}

function heard() {
	deadline = clearTimeout(deadline);
	show('online');
}

/** The line is of no use any more: another one, later. */
export function lost(code) {
	if (!socket) return;
	socket.onopen = socket.onmessage = socket.onclose = null;
	socket.close();
	socket = null;
	deadline = clearTimeout(deadline);
	queue = [];
	if (since && Date.now() - since > STABLE) tries = 0;
	since = 0;
	// Told off for its rate, or to come later: not at once.
	if (code === 1008 || code === 1013) tries = Math.max(tries, 4);
	const wait = Math.random() * Math.min(LAST, FIRST * 2 ** tries++);
	const at = Date.now() + wait;
	timer = setTimeout(connect, wait);
	const tick = () => {
		seconds = Math.max(1, Math.ceil((at - Date.now()) / 1000));
		show(navigator.onLine ? 'waiting' : 'offline');
	};
	countdown = setInterval(tick, 1000);
	tick();
	events.lost();
}

function show(now) {
	if (now === state && now !== 'waiting') return;
	state = now;
	events.state();
}

/** Sends nothing for so many ms: the server asked to slow down, or cannot serve now. */
export function pause(ms) {
	paused = Date.now() + ms;
}

export function send(object) {
	if (socket?.readyState !== WebSocket.OPEN) return;
	queue.push(object);
	flush();
}

function flush() {
	clearTimeout(flushing);
	const now = Date.now();
	tokens = Math.min(BURST, tokens + (now - filled) / EVERY);
	filled = now;
	while (queue.length && tokens >= 1 && now >= paused) {
		const object = queue.shift();
		tokens -= 1;
		socket.send(JSON.stringify(object));
		if (object.type !== 'LEAVE') expect();
	}
	if (queue.length) flushing = setTimeout(flush, Math.max(EVERY, paused - now));
}
