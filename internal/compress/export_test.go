package compress

// ExpandOwn restores a value by this package's decoder alone.
func ExpandOwn(d *Dictionary, frame []byte) ([]byte, error) {
	size, err := Size(frame)
	if err != nil {
		return nil, err
	}
	return d.expandOwn(make([]byte, 0, size), afterSize(frame))
}

// ExpandOther restores a value by the decoder of klauspost/compress.
func ExpandOther(d *Dictionary, frame []byte) ([]byte, error) {
	size, err := Size(frame)
	if err != nil {
		return nil, err
	}
	return d.expandOther(frame, size)
}
