// The rows and tombstones that a peer holds of an open tree, by docs/format.md and docs/sync.md.
import * as dagCBOR from '@ipld/dag-cbor'
import * as varint from 'uint8-varint'
import { concat } from 'uint8arrays/concat'
import { equals } from 'uint8arrays/equals'
import { fromString } from 'uint8arrays/from-string'
import { toString } from 'uint8arrays/to-string'
import { keyText, sha256 } from './shop.mjs'

const recordAge = 48 * 3600 // how many seconds a row of another peer is kept

// The id of a row in a topic.
async function id ({ key, value }) {
  const primary = new Uint8Array(8)
  new DataView(primary.buffer).setBigUint64(0, BigInt(key))
  return toString(await sha256(concat([varint.encode(primary.length), primary, value])), 'base16')
}

// A set by the rules of a tree, as topic.mjs wants it. All rows belong to its topic.
export function newSet (rules) {
  // By the keys as text: the value, what the parts of it are, the id of a row, the fields of the DHT that came with
  // it, and when it came, which is when the row of a tombstone was deleted. A row of our own did not come.
  const held = new Map()
  let floor = -1 // records of others are refused up to this clock, where nothing is held
  let ahead = 0
  const now = () => Date.now() / 1000 + ahead
  const lasts = ({ tombstone }) => tombstone ? rules.age : recordAge

  // Drops what has expired.
  function sweep () {
    for (const [key, item] of held) {
      if (item.came == null || now() - item.came < lasts(item)) continue
      held.delete(key)
      const time = Math.floor(item.came)
      const below = item.clock < time ? item.clock : time
      if (item.tombstone && below > floor) floor = below
    }
  }

  // Keeps a record, and returns what becomes of it: it is taken if it is as good as what is held, beaten by that,
  // older than rows that may have been deleted, or expired. A record of our own has no age.
  async function take ({ key, age, more = new Uint8Array(), value }) {
    const recordKey = fromString(`/${rules.tree}/${key}`)
    rules.validate(recordKey, value)
    const item = { value, more, ...rules.parse(value) }
    if (!item.tombstone) item.id = await id({ key, value })
    sweep()
    if (age >= lasts(item)) return 'expired'
    if (age != null) item.came = now() - age
    const before = held.get(key)
    if (before == null && age != null && item.clock <= floor) return 'old'
    if (before != null && rules.select(recordKey, [before.value, value]) === 0) {
      return equals(before.value, value) ? 'taken' : 'beaten'
    }
    held.set(key, item)
    return 'taken'
  }

  function at (key) {
    sweep()
    const item = held.get(key)
    if (item == null) return undefined
    const age = item.came == null ? 0 : Math.floor(now() - item.came)
    return { key, age, more: item.more, value: item.value }
  }

  const keys = () => [...held.keys()].filter((key) => !held.get(key).tombstone).sort()

  return {
    buries: rules.age != null,
    ids: () => keys().map((key) => held.get(key).id),
    id,
    take,
    at,
    record: (id) => {
      for (const [key, item] of held) if (item.id === id) return at(key)
    },
    behind: (key) => keys().filter((other) => other > key).map(at),

    // A row as a record of our own.
    own: (row) => ({ key: keyText(row.id), value: dagCBOR.encode(row) }),

    // Deletes a row, and returns the tombstone as a record.
    bury: (key) => {
      const { clock } = held.get(key)
      held.set(key, {
        value: rules.tombstone(clock), more: new Uint8Array(), tombstone: true, clock, came: now()
      })
      return at(key)
    },

    // Has the clock of this peer go ahead.
    pass: (seconds) => { ahead += seconds },

    // The rows, in the order of their keys.
    rows: () => {
      sweep()
      return keys().map((key) => dagCBOR.decode(held.get(key).value))
    }
  }
}
