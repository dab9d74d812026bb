// The contenders of compare browser. Each keeps articles with an index by author. Dexie and idb are used in
// the ways that are fastest: bulkAdd, and getAll of 1,000 rows at a time. The typed tree is in netabase.wasm.

import Dexie from "dexie";
import { deleteDB, openDB } from "idb";

const pageRows = 1000;
const letters = "abcdefghijklmnopqrstuvwxyz      ";

function text(seed, length) {
  let s = "";
  for (let k = 0; k < length; k++) s += letters[(seed * 31 + k * 17 + ((k * k) % 7)) % 32];
  return s;
}

const article = (ID, authors) => ({ ID, Title: text(ID, 32), Content: text(ID + 1, 160), AuthorID: ID % authors });

const read = (rows) => rows.reduce((sum, row) => sum + row.Title.length + row.Content.length, 0);

// contender has in common what the libraries are used for.
class Contender {
  prepare(first, count, authors) {
    this.rows = Array.from({ length: count }, (_, i) => article(first + i, authors));
  }

  async each() {
    for (const row of this.rows) await this.add(row);
  }

  async get(count, rows) {
    let sum = 0;
    for (let i = 0; i < count; i++) sum += read([await this.one((i * 7919) % rows)]);
    return sum;
  }

  async find(count, authors) {
    let sum = 0;
    for (let i = 0; i < count; i++) sum += read(await this.by((i * 31) % authors));
    return sum;
  }

  async iterate() {
    let sum = 0;
    for (let last = -1; ; ) {
      const rows = await this.page(last);
      sum += read(rows);
      if (rows.length < pageRows) return sum;
      last = rows[rows.length - 1].ID;
    }
  }
}

class WithDexie extends Contender {
  async open(name, durability) {
    this.db = new Dexie(name, { chromeTransactionDurability: durability });
    this.db.version(1).stores({ articles: "ID, AuthorID" });
    await this.db.open();
    return read([(await this.one(0)) ?? { Title: "", Content: "" }]);
  }
  insert = () => this.db.articles.bulkAdd(this.rows).then(() => 0);
  add = (row) => this.db.articles.add(row);
  one = (id) => this.db.articles.get(id);
  by = (author) => this.db.articles.where("AuthorID").equals(author).toArray();
  page = (last) => this.db.articles.where("ID").above(last).limit(pageRows).toArray();
  close = () => this.db.close();
}

class WithIDB extends Contender {
  async open(name, durability) {
    this.durability = { durability };
    this.db = await openDB(name, 1, {
      upgrade(db) {
        db.createObjectStore("articles", { keyPath: "ID" }).createIndex("AuthorID", "AuthorID");
      },
    });
    return read([(await this.one(0)) ?? { Title: "", Content: "" }]);
  }
  async insert() {
    const tx = this.db.transaction("articles", "readwrite", this.durability);
    for (const row of this.rows) tx.store.add(row);
    await tx.done;
    return 0;
  }
  async add(row) {
    const tx = this.db.transaction("articles", "readwrite", this.durability);
    tx.store.add(row);
    await tx.done;
  }
  one = (id) => this.db.get("articles", id);
  by = (author) => this.db.getAllFromIndex("articles", "AuthorID", author);
  page = (last) => this.db.getAll("articles", IDBKeyRange.lowerBound(last, true), pageRows);
  close = () => this.db.close();
}

const contenders = { dexie: new WithDexie(), idb: new WithIDB() };

// measure has a contender do something, and returns the time in milliseconds and the answer.
globalThis.measure = async (who, what, ...args) => {
  const start = performance.now();
  const answer = await contenders[who][what](...args);
  return { ms: performance.now() - start, answer: answer ?? 0 };
};

globalThis.remove = (name) => deleteDB(name);

// begin loads the typed tree, which sets globalThis.netabase.
globalThis.begin = async () => {
  const go = new Go();
  const ready = new Promise((resolve) => (globalThis.begun = resolve));
  const { instance } = await WebAssembly.instantiateStreaming(fetch("netabase.wasm"), go.importObject);
  go.run(instance);
  await ready;
  contenders.netabase = globalThis.netabase;
};
