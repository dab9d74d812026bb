// A responder of Negentropy, version 1, for ids that all have the timestamp 0.
import { concat } from 'uint8arrays/concat'
import { equals } from 'uint8arrays/equals'
import { fromString } from 'uint8arrays/from-string'
import { toString } from 'uint8arrays/to-string'
import { sha256 } from './shop.mjs'

const version = 0x61
const mode = { skip: 0, fingerprint: 1, ids: 2 }
const buckets = 16
const maxMessage = 128 << 10

// A number, with the most significant digits first.
function number (n) {
  const digits = [n & 127]
  while ((n >>>= 7) > 0) digits.unshift(n & 127 | 128)
  return Uint8Array.from(digits)
}

// The fingerprint of all items with these ids.
async function fingerprint (ids) {
  let sum = 0n
  for (const id of ids) sum += BigInt('0x' + toString(fromString(id, 'base16').reverse(), 'base16'))
  const bytes = fromString((sum & (1n << 256n) - 1n).toString(16).padStart(64, '0'), 'base16').reverse()
  return (await sha256(concat([bytes, number(ids.length)]))).subarray(0, 16)
}

// An upper bound: null is infinity.
const bound = (id) =>
  id == null ? Uint8Array.of(0, 0) : concat([number(1), number(id.length / 2), fromString(id, 'base16')])

// Answers a message of an initiator. Ids are hex.
export async function respond (ids, message) {
  ids = [...ids].sort()
  let at = 0
  const take = (n) => {
    if (n > message.length - at) throw new Error('a message is cut short')
    return message.subarray(at, at += n)
  }
  const parse = () => {
    for (let n = 0; ;) {
      const [digit] = take(1)
      n = n * 128 + (digit & 127)
      if (digit < 128) return n
    }
  }
  if (take(1)[0] !== version) return Uint8Array.of(version)
  const answer = [Uint8Array.of(version)]
  let size = 1
  let lower = 0
  let skipped // the upper bound of what is left out
  while (at < message.length) {
    const isLast = parse() !== 1 // no item has another timestamp than 0
    const prefix = toString(take(parse()), 'base16')
    const until = isLast ? null : prefix
    let upper = ids.length
    if (!isLast) while (upper > lower && ids[upper - 1] >= prefix) upper--
    const held = ids.slice(lower, upper)
    const ranges = []
    const list = () => {
      const bytes = held.map((id) => fromString(id, 'base16'))
      ranges.push(bound(until), number(mode.ids), number(held.length), ...bytes)
    }
    switch (parse()) {
      case mode.skip:
        break
      case mode.fingerprint:
        if (equals(take(16), await fingerprint(held))) break
        if (held.length < 2 * buckets) {
          list()
          break
        }
        for (let i = 0; i < buckets; i++) {
          const from = Math.floor(held.length * i / buckets)
          const to = Math.floor(held.length * (i + 1) / buckets)
          const end = i + 1 === buckets ? until : held[to]
          ranges.push(bound(end), number(mode.fingerprint), await fingerprint(held.slice(from, to)))
        }
        break
      case mode.ids:
        for (let n = parse(); n > 0; n--) take(32)
        list()
        break
      default:
        throw new Error('a range has an unknown mode')
    }
    const added = concat(ranges)
    if (size + added.length > maxMessage - 200) {
      answer.push(bound(null), number(mode.fingerprint), await fingerprint(ids.slice(lower)))
      break
    }
    if (added.length === 0) {
      skipped = until
    } else {
      if (skipped !== undefined) answer.push(bound(skipped), number(mode.skip))
      skipped = undefined
      answer.push(added)
      size += added.length + 40
    }
    lower = upper
  }
  return concat(answer)
}
