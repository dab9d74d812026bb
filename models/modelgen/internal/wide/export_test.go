package wide

// The generated code for an unexported struct is not exported either.
type (
	Item         = item
	ItemCodec    = itemCodec
	BorrowedItem = borrowedItem
)
