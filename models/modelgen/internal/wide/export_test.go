package wide

// What is generated for a struct that is not exported is not, either.
type (
	Item         = item
	ItemCodec    = itemCodec
	BorrowedItem = borrowedItem
)
