// Keeps a store in a worker: it stores a value, and answers with what it reads after it has opened the store
// again.
import { Key } from 'interface-datastore'
import { NetabaseDatastore, start } from '../index.js'

const key = new Key('/in/a/worker')

async function run () {
  await import('/wasm_exec.js')
  const program = await start('/netabase.wasm')
  const store = new NetabaseDatastore(program, { name: 'worker' })
  await store.open()
  await store.put(key, new TextEncoder().encode('it works'))
  await store.close()
  await store.open()
  const value = new TextDecoder().decode(await store.get(key))
  await store.close()
  program.end()
  return value
}

run().then(postMessage, (error) => postMessage(`${error.name}: ${error.message}`))
