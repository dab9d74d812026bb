// Shows what the Go program in the worker says, and tells it what the user does.

const columns = ["To do", "Doing", "Done"];

const byId = (id) => document.getElementById(id);
if (!globalThis.SharedWorker) showError("This browser has no shared workers, which the board needs.");
const worker = new SharedWorker("worker.js");
const tell = (message) => worker.port.postMessage(JSON.stringify(message));
addEventListener("pagehide", () => worker.port.postMessage("closed"));
addEventListener("pageshow", ({ persisted }) => persisted && location.reload()); // from the browser's cache

const name = byId("name");
name.value = localStorage.getItem("name") ?? "";
name.addEventListener("change", () => localStorage.setItem("name", name.value.trim()));

const lists = new Map();
for (const title of columns) {
  const section = byId("column").content.cloneNode(true).firstElementChild;
  section.querySelector("h2").append(title, " ", document.createElement("small"));
  const form = section.querySelector("form");
  const text = form.querySelector("textarea");
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (text.value.trim() === "") return;
    tell({ put: { column: title, text: text.value.trim(), author: name.value.trim() } });
    text.value = "";
  });
  text.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.shiftKey) return;
    event.preventDefault();
    form.requestSubmit();
  });
  lists.set(title, section);
  byId("columns").append(section);
}

// The notes on the page by their ids: { item, note }.
const shown = new Map();

// draw makes a note's item, or changes it. A text that somebody is writing stays as it is.
function draw(note) {
  let entry = shown.get(note.id);
  if (!entry) {
    entry = { item: byId("note").content.cloneNode(true).firstElementChild };
    shown.set(note.id, entry);
    const { item } = entry;
    const change = (fields) => tell({ put: { ...entry.note, ...fields } });
    const move = (by) => change({ column: columns[columns.indexOf(entry.note.column) + by] });
    item.querySelector("textarea").addEventListener("change", (event) => {
      change({ text: event.target.value.trim(), author: name.value.trim() });
    });
    item.querySelector(".left").addEventListener("click", () => move(-1));
    item.querySelector(".right").addEventListener("click", () => move(1));
    item.querySelector(".remove").addEventListener("click", () => tell({ remove: note.id }));
  }
  const text = entry.item.querySelector("textarea");
  if (text !== document.activeElement) text.value = note.text;
  entry.item.querySelector(".author").textContent = note.author;
  const at = columns.indexOf(note.column);
  entry.item.querySelector(".left").disabled = at <= 0;
  entry.item.querySelector(".right").disabled = at < 0 || at === columns.length - 1;
  entry.note = note;
  return entry.item;
}

function showNotes(notes) {
  const there = new Set(notes.map((note) => note.id));
  for (const [id, { item }] of shown) {
    if (there.has(id)) continue;
    item.remove();
    shown.delete(id);
  }
  for (const [title, section] of lists) {
    const list = section.querySelector("ol");
    const items = notes.filter((note) => note.column === title).map(draw);
    items.forEach((item, i) => {
      if (list.children[i] !== item) list.insertBefore(item, list.children[i] ?? null);
    });
    section.querySelector("small").textContent = items.length || "";
  }
}

const button = byId("online");
let online = true;
button.addEventListener("click", () => tell({ online: !online }));

function showStatus(status) {
  byId("error").hidden = true;
  online = status.online;
  button.disabled = false;
  button.textContent = online ? "Work offline" : "Go online";
  button.setAttribute("aria-pressed", String(online));
  const peers = status.peers === 1 ? "1 peer" : `${status.peers} peers`;
  byId("status").textContent = online ? `Connected to ${peers}.` : "Offline.";
}

// Only a page can ask the browser not to remove the board when the disk is full.
byId("saved").textContent = "Saved in this browser.";
navigator.storage.persist().then((kept) => {
  if (!kept) byId("saved").title = "The browser may remove it when the disk is full.";
});

worker.port.onmessage = ({ data }) => {
  const { notes, status, error } = JSON.parse(data);
  if (notes) showNotes(notes);
  if (status) showStatus(status);
  if (error) showError(error);
};
worker.onerror = (event) => showError(event.message);

function showError(text) {
  byId("error").hidden = false;
  byId("error").textContent = text;
}
