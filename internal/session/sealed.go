package session

// Sealed is a parameter type of methods that only this module's types can have.
type Sealed struct{}
