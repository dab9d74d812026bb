// Topics as docs/sync.md specifies them: both sides of a session, and records as they
// travel. The initiator compares ids by an implementation of Negentropy that is not
// ours, the one of nostr-tools; it has no responder, for which see negentropy.mjs.
//
// A set has ids() of the rows that are held, as hex; id(record); record(id) and
// at(key), which give a record or undefined; behind(key), which gives those of rows with
// larger keys in their order; take(record), which checks and keeps one, and returns
// 'taken', 'beaten' by what is held, 'old' or 'expired'; and buries, which says whether
// it has tombstones.
import { byteStream } from '@libp2p/utils'
import { Negentropy, NegentropyStorageVector } from 'negentropy'
import * as varint from 'uint8-varint'
import { concat } from 'uint8arrays/concat'
import { fromString } from 'uint8arrays/from-string'
import { toString } from 'uint8arrays/to-string'
import { respond } from './negentropy.mjs'

const protocol = '/netabase/sync/1.0.0'

const kind = {
  open: 1,
  reconcile: 2,
  want: 3,
  offer: 4,
  ask: 5,
  end: 6,
  record: 7,
  none: 8,
  later: 9,
  verdict: 10,
  better: 11,
  fail: 12,
  list: 13,
  listed: 14
}

export const direction = { pull: 1, push: 2, both: 3 }

const verdicts = { taken: 0, beaten: 1, old: 1, invalid: 6, expired: 7 }
const noTopic = 1
const misbehaved = 4

const maxWant = 4096
const maxOffers = 1024
const maxAsk = 4096
const maxList = 4096
const maxTurn = 1 << 20
const maxMessage = 1 << 21

// The bytes of a record: key is its text.
export const encodeRecord = ({ key, age = 0, more = new Uint8Array(), value }) => {
  const text = fromString(key)
  return concat([
    varint.encode(text.length), text, varint.encode(age), varint.encode(more.length), more, value
  ])
}

export function decodeRecord (data) {
  let at = 0
  const number = () => {
    const n = varint.decode(data, at)
    at += varint.encodingLength(n)
    return n
  }
  const bytes = (length) => {
    if (length > data.length - at) throw new Error('the record is cut short')
    return data.subarray(at, at += length)
  }
  const key = toString(bytes(number()))
  const age = number()
  const more = bytes(number())
  return { key, age, more, value: data.subarray(at) }
}

// The turns of a stream: read gives the messages of one, and write writes one.
function turns (stream) {
  const bytes = byteStream(stream)
  const message = async () => {
    let length = 0
    for (let shift = 0; ; shift += 7) {
      if (shift > 21) throw new Error('a length is too long')
      const [byte] = (await bytes.read({ bytes: 1 })).subarray()
      length |= (byte & 127) << shift
      if (byte < 128) break
    }
    if (length < 1 || length > maxMessage) throw new Error(`a message has ${length} bytes`)
    const message = (await bytes.read({ bytes: length })).subarray()
    return { kind: message[0], body: message.subarray(1) }
  }
  return {
    async read () {
      const messages = []
      while (true) {
        const next = await message()
        if (next.kind === kind.end) return messages
        if (next.kind === kind.fail) throw new Error(`cause ${next.body[0]}: ${toString(next.body.subarray(1))}`)
        messages.push(next)
      }
    },
    write: (messages) => bytes.write(concat([...messages, [kind.end]].map(([kind, ...bodies]) => {
      const message = concat([Uint8Array.of(kind), ...bodies])
      return concat([varint.encode(message.length), message])
    })))
  }
}

// Brings a topic of a peer and a set together, as far as the direction says. It
// returns what was done.
export async function sync (node, peer, topic, set, way) {
  const done = { turns: 0, listed: 0, wanted: 0, asked: 0, offered: 0, ages: [] } // ages are of what was asked for
  const stream = await node.dialProtocol(peer, protocol)
  const { read, write } = turns(stream)
  let opening = [[kind.open, Uint8Array.of(way), fromString(topic)]]
  const turn = async (messages) => {
    done.turns++
    await write([...opening, ...messages])
    opening = []
    return read()
  }

  const need = new Set() // ids that we lack
  const have = new Set() // ids that the other peer lacks
  const ask = new Set() // keys of which it may have tombstones
  const better = new Set() // keys of which it has given worse records than we hold
  const take = async (record) => {
    if (await set.take(record) === 'beaten' && way & direction.push) better.add(record.key)
  }

  // Without a row of the topic there are no ids to compare.
  for (let behind = ''; (way & direction.pull) && (set.ids().length === 0 || behind !== '');) {
    const answers = await turn([[kind.list, fromString(behind)]])
    const listed = answers.pop()
    if (listed?.kind !== kind.listed) throw new Error('a list has no end')
    for (const answer of answers) {
      if (answer.kind !== kind.record) throw new Error(`a list has a message of the kind ${answer.kind}`)
      await take(decodeRecord(answer.body))
      done.listed++
    }
    const next = toString(listed.body.subarray(varint.encodingLength(varint.decode(listed.body))))
    if (next === '') break
    if (next <= behind) throw new Error('a list goes back')
    behind = next
  }

  const storage = new NegentropyStorageVector()
  for (const id of set.ids()) storage.insert(0, id)
  storage.seal()
  const compared = new Negentropy(storage)
  let message = compared.initiate()
  while (message != null || [need, have, ask, better].some(({ size }) => size > 0)) {
    const messages = []
    let size = 0
    const offer = (names, record) => {
      for (const name of names) {
        if (messages.length === maxOffers || size >= maxTurn) break
        names.delete(name)
        const found = record(name)
        if (found == null) continue // it has been replaced, or has expired
        const body = encodeRecord(found)
        size += body.length
        messages.push([kind.offer, body])
      }
    }
    offer(better, set.at)
    offer(have, set.record)
    const offered = messages.length
    const asked = []
    for (const key of ask) {
      if (asked.length === maxAsk || size >= maxTurn) break
      ask.delete(key)
      size += key.length
      asked.push(key)
    }
    messages.push(...asked.map((key) => [kind.ask, fromString(key)]))
    const wanted = [...need].slice(0, maxWant)
    if (wanted.length > 0) messages.push([kind.want, ...wanted.map((id) => fromString(id, 'base16'))])
    if (message != null) messages.push([kind.reconcile, fromString(message, 'base16')])
    if (messages.length === 0) break
    const answers = await turn(messages)
    for (let i = 0; i < offered; i++) {
      const answer = answers.shift()
      if (answer?.kind === kind.better) await set.take(decodeRecord(answer.body))
      else if (answer?.kind !== kind.verdict) throw new Error('an offer has no answer')
      else if (answer.body[0] === verdicts.taken) done.offered++
    }
    for (const id of wanted) {
      const answer = answers.shift()
      if (answer?.kind === kind.later) continue
      if (answer?.kind === kind.record) {
        const record = decodeRecord(answer.body)
        if (await set.id(record) !== id) throw new Error('a record was not asked for')
        await take(record)
        done.wanted++
      } else if (answer?.kind !== kind.none) {
        throw new Error('an id has no answer')
      }
      need.delete(id)
    }
    for (const key of asked) {
      const answer = answers.shift()
      if (answer?.kind === kind.later) {
        ask.add(key)
      } else if (answer?.kind === kind.record) {
        const record = decodeRecord(answer.body)
        if (record.key !== key) throw new Error('a record has another key')
        await set.take(record)
        done.ages.push(record.age)
        done.asked++
      } else if (answer?.kind !== kind.none) {
        throw new Error('a key has no answer')
      }
    }
    if (message != null) {
      const answer = answers.shift()
      if (answer?.kind !== kind.reconcile) throw new Error('a comparison has no answer')
      message = compared.reconcile(toString(answer.body, 'base16'),
        (id) => {
          if (way & direction.push) have.add(id)
          else if (set.buries) ask.add(set.record(id).key) // the other peer may have deleted it
        },
        (id) => { if (way & direction.pull) need.add(id) })
    }
    if (answers.length > 0) throw new Error('a turn has more messages')
  }
  await stream.close()
  return done
}

// The directions in which an initiator sends messages of these kinds.
const allowed = {
  [kind.reconcile]: direction.both,
  [kind.want]: direction.pull,
  [kind.offer]: direction.push,
  [kind.ask]: direction.pull,
  [kind.list]: direction.pull
}

// Answers peers that begin a session about one of the topics, which are sets by name.
export function answer (node, topics) {
  return node.handle(protocol, async (stream) => {
    const { read, write } = turns(stream)
    try {
      let set
      let way
      for (let first = true; ; first = false) {
        const turn = await read()
        let ends = 0
        if (first) {
          const { kind: opening, body } = turn.shift() ?? {}
          if (opening === kind.open) {
            set = topics.get(toString(body.subarray(1)))
            way = body[0]
          }
          ends = opening !== kind.open ? misbehaved : set == null ? noTopic : 0
        }
        if (ends === 0 && turn.some(({ kind }) => !(allowed[kind] & way))) ends = misbehaved
        if (ends !== 0) {
          await write([[kind.fail, Uint8Array.of(ends)]])
          break
        }
        await write(await answers(turn, set, way))
      }
      await stream.close()
    } catch (error) {
      stream.abort(error) // or the other side has ended the session
    }
  })
}

// Gives the responder's turn for an initiator's.
async function answers (turn, set, way) {
  const messages = []
  let size = 0
  const give = (record) => {
    if (record == null) return [kind.none]
    if (size >= maxTurn) return [kind.later]
    const body = encodeRecord(record)
    size += body.length
    return [kind.record, body]
  }
  const of = (wanted) => turn.filter(({ kind }) => kind === wanted).map(({ body }) => body)
  for (const body of of(kind.offer)) {
    let becomes = 'invalid'
    let better
    try {
      const record = decodeRecord(body)
      becomes = await set.take(record)
      if (becomes === 'beaten' && way & direction.pull) better = set.at(record.key)
    } catch {}
    messages.push(better == null
      ? [kind.verdict, Uint8Array.of(verdicts[becomes])]
      : [kind.better, encodeRecord(better)])
  }
  for (const body of of(kind.want)) {
    for (let at = 0; at < body.length; at += 32) {
      messages.push(give(set.record(toString(body.subarray(at, at + 32), 'base16'))))
    }
  }
  for (const body of of(kind.ask)) messages.push(give(set.at(toString(body))))
  for (const body of of(kind.reconcile)) messages.push([kind.reconcile, await respond(set.ids(), body)])
  for (const body of of(kind.list)) {
    let last = ''
    for (const [i, record] of set.behind(toString(body)).entries()) {
      if (i === maxList || size >= maxTurn) break
      messages.push(give(record))
      last = record.key
    }
    messages.push([kind.listed, varint.encode(set.ids().length), fromString(last)])
  }
  return messages
}
