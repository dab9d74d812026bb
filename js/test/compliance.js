// The compliance tests of interface-datastore, by mocha, which the page has loaded.
import { interfaceDatastoreTests } from 'interface-datastore-tests'
import { NetabaseDatastore } from '../index.js'

let databases = 0

/**
 * Runs the tests, each with a database of its own, and gives how many have passed and what has failed.
 */
export async function compliance (program, relaxed) {
  mocha.setup({ ui: 'bdd', reporter: function () {}, timeout: 60_000 })
  describe('NetabaseDatastore', () => {
    interfaceDatastoreTests({
      async setup () {
        const store = new NetabaseDatastore(program, { name: `compliance ${relaxed} ${databases++}`, relaxed })
        await store.open()
        return store
      },
      teardown: (store) => store.close()
    })
  })
  const failed = []
  let passed = 0
  await new Promise((resolve) => {
    mocha.run()
      .on('pass', () => { passed++ })
      .on('fail', (test, error) => { failed.push(`${test.fullTitle()}: ${error.stack}`) })
      .on('end', resolve)
  })
  return { passed, failed }
}
