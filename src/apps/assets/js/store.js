// What outlives the page: in the tab its secret and what waits to be sent, in the browser the name and the rooms.
// A storage that is full or forbidden is done without.

const store = (area) => ({
	read(key) {
		try {
			return JSON.parse(window[area].getItem(`dunlin.${key}`));
		} catch {}
	},
	write(key, value) {
		try {
			window[area].setItem(`dunlin.${key}`, JSON.stringify(value));
		} catch {}
	},
});

export const tab = store('sessionStorage');
export const browser = store('localStorage');

/** 22 to 44 random characters; `crypto.randomUUID` is not there on plain http. */
export const secret = () => [...crypto.getRandomValues(new Uint8Array(22))].map((b) => b.toString(36)).join('');

/**
 * The secret of this tab, the same after a reload. A duplicated tab comes with a copy of the storage, so
 * unless the last page of this tab said good-bye, the other tabs are asked whether the secret is theirs.
 */
export async function identify() {
	const channel = new BroadcastChannel('dunlin');
	let client = tab.read('client');
	const taken = (resolve) => {
		channel.onmessage = ({ data }) => data.taken === client && resolve(true);
		channel.postMessage({ ask: client });
		setTimeout(resolve, 250);
	};
	if (client && !tab.read('left') && (await new Promise(taken))) {
		client = '';
		tab.write('pending', []); // the other tab sends those
	}
	client ||= secret();
	tab.write('client', client);
	tab.write('left', false);
	channel.onmessage = ({ data }) => data.ask === client && channel.postMessage({ taken: client });
	window.onpagehide = () => tab.write('left', true);
	window.onpageshow = () => tab.write('left', false);
	return client;
}
