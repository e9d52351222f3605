// The world as the server last told it. Knows no elements; tells its listeners what changed.

export class Store extends EventTarget {
  me = null;
  bot = null;
  guild = null;
  limits = {};
  online = false;
  users = new Map();
  roles = new Map();
  channels = new Map();
  /** Channel id -> Map of message id -> message, oldest first. */
  messages = new Map();

  /** Take one event of the feed. */
  apply(event) {
    switch (event.type) {
      case "everything":
        return this.#reset(event);
      case "message":
        return this.#message(event);
      case "message_gone":
        this.messages.get(event.channel_id)?.delete(event.id);
        return this.#tell("message", { channel: event.channel_id });
      case "channel":
        this.channels.set(event.channel.id, event.channel);
        return this.#tell("channel", { channel: event.channel.id });
      case "channel_gone":
        this.channels.delete(event.id);
        this.messages.delete(event.id);
        return this.#tell("channel", { channel: event.id });
      case "online":
        this.online = event.online;
        return this.#tell("online");
      default:
        return this.#tell(event.type, event);
    }
  }

  #reset(event) {
    const byId = (list) => new Map(list.map((one) => [one.id, one]));
    this.guild = event.guild;
    this.limits = event.limits;
    this.online = event.online;
    this.users = byId(event.users);
    this.roles = byId(event.roles);
    this.channels = byId(event.channels);
    this.me = this.users.get(event.me);
    this.bot = this.users.get(event.bot);
    this.messages = new Map();
    for (const message of event.messages) this.#list(message.channel_id).set(message.id, message);
    this.#tell("everything");
  }

  #message({ message, is_new }) {
    this.#list(message.channel_id).set(message.id, message);
    this.#tell("message", { channel: message.channel_id, message, is_new });
  }

  #list(channel) {
    if (!this.messages.has(channel)) this.messages.set(channel, new Map());
    return this.messages.get(channel);
  }

  #tell(type, detail) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }

  on(type, listener) {
    this.addEventListener(type, ({ detail }) => listener(detail));
  }

  /** A channel's messages, oldest first. */
  list(channel) {
    return [...(this.messages.get(channel)?.values() ?? [])];
  }

  find(channel, id) {
    return this.messages.get(channel)?.get(id);
  }

  threads(channel) {
    return [...this.channels.values()].filter((one) => one.kind === "thread" && one.parent_id === channel);
  }

  /** Members one can be: everybody but bots. */
  members() {
    return [...this.users.values()].filter((user) => !user.bot);
  }

  /** The author as the page names them; messages of unknown accounts carry their own. */
  author(message) {
    return this.users.get(message.author.id) ?? { ...message.author, name: message.author.username, roles: [] };
  }
}
