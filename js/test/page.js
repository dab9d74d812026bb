// The functions of the page that tests in Go call.
import { NetabaseDatastore, start } from '../index.js'
import { compliance } from './compliance.js'
import { held, join, leave, provide } from './node.js'

let program
const begun = async () => { program ??= await start('netabase.wasm'); return program }

// Calls use with a store that is open.
async function within (options, use) {
  const store = new NetabaseDatastore(await begun(), options)
  await store.open()
  try {
    return await use(store)
  } finally {
    await store.close()
  }
}

// Loads this page in a frame, which starts a program of its own as another tab does.
async function anotherTab () {
  const frame = document.createElement('iframe')
  frame.src = 'index.html'
  document.body.append(frame)
  await new Promise((resolve) => { frame.onload = resolve })
  await frame.contentWindow.functions() // it has begun
  return frame
}

// Opens a store and closes it after some time, and gives 'served', or the error.
const openFor = (options, milliseconds) =>
  within(options, () => new Promise((resolve) => setTimeout(resolve, milliseconds)))
    .then(() => 'served', ({ name, message }) => `${name}: ${message}`)

Object.assign(globalThis, {
  openFor,

  // What comes of opening a store in another tab while this one has it open: for longer than the other one waits,
  // and for less; of opening it in both at the same moment; and of opening it here after the other tab has ended
  // with the store open.
  inTwoTabs: async (options) => {
    const other = await anotherTab()
    const there = (milliseconds) => other.contentWindow.openFor(options, milliseconds)
    const refused = await within(options, () => there(0))
    let waits
    await within(options, async () => {
      waits = there(0)
      await new Promise((resolve) => setTimeout(resolve, 500))
    })
    const served = [await waits]
    for (let i = 0; i < 5; i++) served.push(...await Promise.all([openFor(options, 0), there(0)]))
    there(60_000)
    await new Promise((resolve) => setTimeout(resolve, 1000))
    other.remove()
    served.push(await openFor(options, 0))
    return { refused, served }
  },

  compliance: async (relaxed) => compliance(await begun(), relaxed),
  functions: async () => (await begun()).offer.functions(),
  end: async () => (await begun()).end(),
  find: (options, ...args) => within(options, (store) => store.find(...args)),
  row: (options, ...args) => within(options, (store) => store.row(...args)),

  join: async (options, address) => join(await begun(), options, address),
  leave,
  held: (what, ...args) => held[what](...args),
  provide,
  inWorker: () => new Promise((resolve, reject) => {
    const worker = new Worker('worker.js', { type: 'module' })
    worker.onmessage = ({ data }) => { worker.terminate(); resolve(data) }
    worker.onerror = ({ message }) => reject(new Error(message))
  }),

  // The names of the errors of calls that fail.
  errors: (options) => within(options, async (store) => {
    const { Key } = await import('interface-datastore')
    const bytes = (text) => new TextEncoder().encode(text)
    const second = new NetabaseDatastore(program, options)
    const calls = {
      'no row': () => store.row('shop.item', 99),
      'no tree': () => store.row('shop.nothing', 99),
      'no index': () => store.find('shop.item', 'nothing', 'x'),
      'no key': () => store.row('shop.item', 'x'),
      'no field': () => store.encode('shop.item', { Nothing: 1 }),
      'no bytes': () => store.put(new Key('/x'), 'text'),
      'no value': () => store.get(new Key('/x')),
      'no record': () => store.keep(bytes('/shop.item/00000000000000000007'), bytes('nothing')),
      'other key': async () => {
        const { value } = await store.encode('shop.item', { ID: 7 })
        await store.keep(bytes('/shop.item/00000000000000000008'), value)
      },
      'older record': async () => {
        const newer = await store.encode('shop.item', { ID: 8, Version: 2 })
        await store.keep(newer.key, newer.value)
        const older = await store.encode('shop.item', { ID: 8, Version: 1 })
        await store.keep(older.key, older.value)
      },
      'open twice': () => second.open(),
      'not open': () => second.get(new Key('/x')),
      'bad schema': () => new NetabaseDatastore(program, { name: 'bad', schemas: ['{}'] }).open(),
      'bad prefix': () => new NetabaseDatastore(program, { name: 'bad', datastorePrefix: 'dht' }).open()
    }
    const names = {}
    for (const [what, call] of Object.entries(calls)) {
      names[what] = await call().then(() => 'none', (error) => error.name)
    }
    return names
  })
})
