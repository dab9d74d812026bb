package datastore

// SetMaxLogged has the logs of topics filed once they have more than most changes. It is called before any
// test.
func SetMaxLogged(most int) { maxLogged = most }
