package cbor

import "time"

// IsTime reports whether text is how [time.RFC3339Nano] writes an instant in UTC other than the zero
// time. Parsing the time would take several times as long.
func IsTime(text []byte) bool {
	const form = "0000-00-00T00:00:00Z"
	if len(text) < len(form) || len(text) > len(form)+len(".000000000") {
		return false
	}
	for i := range len(form) - 1 {
		if c := text[i]; form[i] == '0' && c-'0' > 9 || form[i] != '0' && c != form[i] {
			return false
		}
	}
	two := func(i int) int { return int(text[i]-'0')*10 + int(text[i+1]-'0') }
	year, month, day := two(0)*100+two(2), two(5), two(8)
	if month < 1 || month > 12 || day < 1 || day > 28 && day > daysIn(year, month) ||
		two(11) > 23 || two(14) > 59 || two(17) > 59 {
		return false
	}
	fraction := text[len(form)-1 : len(text)-1]
	if text[len(text)-1] != 'Z' {
		return false
	}
	if len(fraction) == 0 {
		return string(text) != "0001-01-01T00:00:00Z"
	}
	for _, c := range fraction[1:] {
		if c-'0' > 9 {
			return false
		}
	}
	return fraction[0] == '.' && len(fraction) > 1 && fraction[len(fraction)-1] != '0'
}

func daysIn(year, month int) int {
	return time.Date(year, time.Month(month)+1, 0, 0, 0, 0, 0, time.UTC).Day()
}
