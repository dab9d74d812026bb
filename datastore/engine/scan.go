package engine

// Row is a stored key and its value.
type Row struct{ Key, Value []byte }

// Page is where a [Scanner] puts rows. The zero value is ready, and a page can
// be used again and again.
type Page struct {
	// Rows is what the last Scan found.
	Rows []Row
	// Room is memory for engines that have to copy rows. It is theirs.
	Room []byte
}

// ScanBytes ends a page: a Scan adds no row once the keys and values that it
// has found come to so many bytes.
const ScanBytes = 1 << 20

// Scanner is a ReadTxn that reads many rows in one call, faster than a cursor
// steps through them. An engine need not implement it: stores use cursors
// instead. If a WriteTxn is a Scanner, it sees the transaction's own writes, as
// a cursor does.
type Scanner interface {
	// Scan sets p.Rows to the first rows of r in its direction. It reads as many
	// as most, which is at least 1, or fewer if there are no more or ScanBytes
	// are reached. More is false only if these are all rows; it may be true even
	// if there are no more. Scan keeps none of r. If r is KeysOnly the values
	// are undefined.
	//
	// The rows are borrowed: they may be read until p is given to Scan again or
	// the transaction ends. Errors are those that a cursor's Err returns, among
	// them ErrTxnDone once the transaction has ended; there are no rows then.
	Scan(r Range, most int, p *Page) (more bool, err error)
}
