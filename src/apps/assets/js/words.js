// What the page says, in English and in Korean; {} is the place of a value.

const TABLE = {
	about: 'What else is here|다른 기능',
	bad: 'Up to {} bytes, nothing invisible.|{}바이트까지, 보이는 문자만.',
	birds: 'Avocet Curlew Dunlin Godwit Knot Plover Snipe Stint|개꿩 꼬까도요 마도요 물떼새 민물도요 좀도요',
	bytes: '{} bytes left|{}바이트 남음',
	close: 'Close|닫기',
	closed: 'This room was closed.|방이 닫혔습니다.',
	connecting: 'connecting|연결 중',
	create: 'Create “{}”|“{}” 만들기',
	delete: 'Delete this room|이 방 삭제',
	discard: 'Discard|지우기',
	empty: 'Quiet so far. Say the first word.|아직 조용합니다. 첫마디를 남겨 보세요.',
	failed: 'Not sent|보내지 못함',
	find: 'Find or create a room|방 찾기, 만들기',
	full: 'Too many messages wait.|대기 중인 메시지가 너무 많습니다.',
	gap: 'some messages may be missing here|빠진 메시지가 있을 수 있습니다',
	gone: 'The server has lost this room.|서버에 이 방이 없습니다.',
	here: '{} here|{}명',
	hint: 'Write to {}|{}에 쓰기',
	home: 'To the first room|첫 번째 방으로',
	jump: 'Newest {}|새 메시지 {}',
	leave: 'Leave this room|이 방에서 나가기',
	lobby: 'Lobby|로비',
	log: 'Messages|메시지',
	name: 'Your name|이름',
	no: 'Cancel|취소',
	none: 'There is no such room.|그런 방이 없습니다.',
	now: 'Try now|지금 연결',
	offline: 'offline|오프라인',
	online: 'online|연결됨',
	pending: 'waiting to be sent|보내는 중',
	people: 'People|참여자',
	replaced: 'This room is open in another window.|다른 창에서 열려 있습니다.',
	reopen: 'Open it again|다시 열기',
	retry: 'Try again|다시 보내기',
	rooms: 'Rooms|대화방',
	save: 'Save|저장',
	send: 'Send|보내기',
	sent: 'sent|보냄',
	sure: 'Delete “{}” for everybody?|“{}” 방을 모두에게서 삭제할까요?',
	take: 'Use it here|여기서 쓰기',
	taken: '“{}” is taken here. Choose another name.|“{}” 님이 이미 있습니다. 다른 이름을 골라 주세요.',
	waiting: 'reconnecting in {} s|{}초 뒤 다시 연결',
};

export const locale = navigator.language || 'en';
const korean = /^ko\b/i.test(locale);

export const say = (key, value) => TABLE[key].split('|')[korean ? 1 : 0].replace('{}', () => value);

/** A name for somebody who has not chosen one: a wader and a number. */
export function proposal() {
	const birds = say('birds').split(' ');
	return `${birds[Math.floor(Math.random() * birds.length)]} ${10 + Math.floor(Math.random() * 90)}`;
}

/** Fills in the texts of the page itself. */
export function translate() {
	document.documentElement.lang = korean ? 'ko' : 'en';
	for (const e of document.querySelectorAll('[data-say]')) e.textContent = say(e.dataset.say);
	for (const e of document.querySelectorAll('[data-label]')) e.placeholder = e.ariaLabel = say(e.dataset.label);
}
