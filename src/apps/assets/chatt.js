// The browser chat. What comes from others reaches the page through textContent only.
'use strict';

const byId = (id) => document.getElementById(id);
const mid = byId('mid');
const btnJoin = byId('btnJoin');
const btnSend = byId('btnSend');
const talk = byId('talk');
const msg = byId('msg');
const note = byId('note');
const [korean, english] = note.children;

// Bytes of a message that the server takes; past it the connection would be closed with 1009.
const MAX_TEXT = 65536;

// The one socket: null before joining and after it was lost.
let ws = null;

// What this page sent and has not seen come back. The server relays texts unchanged and in order, so
// a line of our name that is not among them is from somebody else of the same name.
let pending = [];

/** Tells something in Korean, with a line of English beside it. */
function tell(inKorean, inEnglish) {
  korean.textContent = inKorean;
  english.textContent = inEnglish;
}

function label(text, color) {
  btnJoin.textContent = text;
  btnJoin.value = text;
  btnJoin.style.color = color;
}

function join() {
  if (ws) return;
  const scheme = location.protocol === 'https:' ? 'wss://' : 'ws://';
  const socket = new WebSocket(scheme + location.host + '/chatt');
  let opened = false;
  ws = socket;
  tell('', '');
  socket.onopen = () => {
    opened = true;
    label('채팅참여중', 'blue');
  };
  socket.onmessage = (event) => show(event.data);
  socket.onclose = () => {
    ws = null;
    pending = [];
    label('채팅참여', '');
    if (opened) tell('연결이 끊어졌습니다. 다시 참여해 주세요.', 'The connection was lost. Please join again.');
    else tell('서버에 연결할 수 없습니다. 잠시 후 다시 참여해 주세요.', 'No connection to the server. Please try again later.');
  };
}

function element(name, ...children) {
  const made = document.createElement(name);
  made.append(...children); // strings become text nodes, never markup
  return made;
}

/** Whether this page sent this text; what it sent before and did not come back is forgotten. */
function isOwn(text) {
  const at = pending.indexOf(text);
  pending.splice(0, at + 1);
  return at >= 0;
}

function show(text) {
  let data;
  try {
    data = JSON.parse(text);
  } catch {
    return; // another kind of client: not a line of this page
  }
  if (data?.msg === undefined) return;
  const own = isOwn(text);
  const who = String(data.mid ?? '');
  const line = element(
    'div',
    element('span', element('b', who)),
    ` [ ${String(data.date ?? '')} ]`,
    element('br'),
    element('span', String(data.msg ?? '')),
  );
  line.className = who === mid.value ? 'me' : 'other';
  if (line.className === 'me' && !own) {
    line.dataset.twin = '';
    tell('같은 이름을 쓰는 사람이 있습니다.', 'Somebody else uses the same name.');
  }
  talk.append(line);
  talk.scrollTop = talk.scrollHeight;
}

function send() {
  if (msg.value.trim() === '') {
    msg.value = '';
    return;
  }
  if (!ws || ws.readyState !== WebSocket.OPEN) {
    tell('먼저 채팅에 참여해 주세요.', 'Please join first.'); // what was typed stays
    return;
  }
  const data = { mid: mid.value, msg: msg.value, date: new Date().toLocaleString() };
  const text = JSON.stringify(data);
  if (new TextEncoder().encode(text).length > MAX_TEXT) {
    tell('메시지가 너무 깁니다. 줄여서 다시 보내 주세요.', 'The message is too long.');
    return;
  }
  ws.send(text);
  pending.push(text);
  msg.value = '';
  tell('', '');
}

btnJoin.onclick = join;
btnSend.onclick = send;

msg.onkeydown = (event) => {
  // An Enter that ends the composition of a syllable belongs to the input method (229 in Safari).
  if (event.key !== 'Enter' || event.shiftKey || event.isComposing || event.keyCode === 229) return;
  event.preventDefault();
  send();
};
