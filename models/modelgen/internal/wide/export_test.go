package wide

// The code generated for a struct that is not exported is not exported, either.
type (
	Item         = item
	ItemCodec    = itemCodec
	BorrowedItem = borrowedItem
)
