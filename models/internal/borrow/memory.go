// Package borrow is the memory of an engine as it is lent to a caller's
// function. Only package models and its subpackages can look into it; users see
// it through types that give out copies.
//
// With the build tag netabase_debug every access checks that the loan has not
// ended. Without it a loan takes no space and no time.
package borrow

// Memory is a piece of lent memory. The zero value is an empty piece.
type Memory struct {
	loan Loan
	data []byte
}

// New returns data as memory of the loan. It is only read.
func New(data []byte, loan Loan) Memory { return Memory{loan, data} }

// Data returns what was lent. The caller must not keep it.
func Data(m Memory) []byte {
	m.loan.check()
	return m.data
}

// Cut returns the bytes from to to of m, of the same loan.
func Cut(m Memory, from, to int) Memory {
	m.loan.check()
	return Memory{m.loan, m.data[from:to:to]}
}

// End ends the loan that m is of.
func End(m Memory) { m.loan.end() }
