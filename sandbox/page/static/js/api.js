// Talks to the sandbox: a member's acts as requests, the world's news over one WebSocket.

/** Take the files out of a payload; each becomes {file: index}, as the server puts them back. */
function pack(payload) {
  const files = [];
  const walk = (node) => {
    if (Array.isArray(node)) return node.map(walk);
    if (node?.blob instanceof Blob) {
      files.push(node);
      return { file: files.length - 1, description: node.description || null };
    }
    if (node === null || typeof node !== "object") return node;
    return Object.fromEntries(Object.entries(node).map(([key, value]) => [key, walk(value)]));
  };
  const json = JSON.stringify(walk(payload));
  if (files.length === 0) return { body: json, headers: { "Content-Type": "application/json" } };
  const body = new FormData();
  body.append("payload_json", json);
  files.forEach(({ blob, name }, index) => body.append(`files[${index}]`, blob, name ?? blob.name));
  return { body, headers: {} };
}

/** Do something as a member. Gives {}, {modal}, {choices}, {commands}, {refused: {code, message}} or {failed}. */
export async function act(member, name, payload) {
  try {
    const response = await fetch(`as/${encodeURIComponent(member)}/${name}`, { method: "POST", ...pack(payload) });
    if (response.ok) return await response.json();
    return { refused: { code: response.status, message: (await response.text()) || response.statusText } };
  } catch {
    return { refused: { code: 0, message: "The sandbox does not answer; is it still running?" } };
  }
}

export async function faults(change) {
  const response = change
    ? await fetch("faults", { method: "POST", body: JSON.stringify(change), headers: { "Content-Type": "application/json" } })
    : await fetch("faults");
  return response.ok ? response.json() : null;
}

/** The world's news for one member; connects again by itself until closed. */
export class Feed {
  #socket = null;
  #closed = false;
  #attempts = 0;

  constructor(member, { onevent, onlost }) {
    this.member = member;
    this.onevent = onevent;
    this.onlost = onlost;
    this.#connect();
  }

  close() {
    this.#closed = true;
    this.#socket?.close();
  }

  #connect() {
    const url = new URL(`live?as=${encodeURIComponent(this.member)}`, location.href);
    url.protocol = url.protocol.replace("http", "ws");
    const socket = (this.#socket = new WebSocket(url));
    socket.onmessage = ({ data }) => {
      this.#attempts = 0;
      if (!this.#closed) this.onevent(JSON.parse(data));
    };
    socket.onclose = () => {
      if (this.#closed) return;
      this.onlost();
      this.#attempts += 1;
      setTimeout(() => this.#closed || this.#connect(), Math.min(250 * 2 ** this.#attempts, 5000));
    };
  }
}
