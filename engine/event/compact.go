package event

// Classes of a byte inside a JSON string.
const (
	plain = iota
	// ends: the quote.
	ends
	// escapes: the backslash.
	escapes
	// hidden: < > &, which are written so that HTML cannot take them amiss.
	hidden
	// lead begins the encoding of U+2028 and U+2029, and of others.
	lead
	// forbidden in a string.
	forbidden
)

var class = func() (t [256]uint8) {
	for c := range 0x20 {
		t[c] = forbidden
	}
	t['"'], t['\\'], t['<'], t['>'], t['&'], t[0xe2] = ends, escapes, hidden, hidden, hidden, lead
	return t
}()

// deepest is how deep appendCompact follows what is nested.
const deepest = 64

// compactor copies a JSON text without its white space and checks it (RFC 8259).
type compactor struct {
	dst, src []byte
	// start is the first byte that is not copied yet, at the next one to look at.
	start, at int
}

// appendCompact appends a JSON text as json.Marshal writes a RawMessage: without white
// space, and with what HTML could take amiss escaped. It is false for what is no JSON,
// or is nested too deep; dst is as it was then.
func appendCompact(dst, src []byte) ([]byte, bool) {
	c := compactor{dst: dst, src: src}
	// The bits tell of what the value is in: 1 an object, 0 an array.
	var in uint64
	depth := 0
	for {
		c.space()
		if c.at >= len(src) {
			return dst, false
		}
		// A value begins here.
		opened := false
		switch b := src[c.at]; {
		case b == '{' || b == '[':
			if depth == deepest {
				return dst, false
			}
			in = in << 1
			if b == '{' {
				in |= 1
			}
			depth++
			c.at++
			c.space()
			if c.at < len(src) && src[c.at] == b+2 { // it is empty: ] and } are two after [ and {
				break
			}
			if b == '{' && !c.name() {
				return dst, false
			}
			opened = true
		case b == '"':
			if !c.text() {
				return dst, false
			}
		case b == '-' || '0' <= b && b <= '9':
			if !c.number() {
				return dst, false
			}
		case b == 't':
			if !c.word("true") {
				return dst, false
			}
		case b == 'f':
			if !c.word("false") {
				return dst, false
			}
		case b == 'n':
			if !c.word("null") {
				return dst, false
			}
		default:
			return dst, false
		}
		if opened {
			continue
		}
		// A value has ended, or an empty one is about to.
		for {
			c.space()
			if depth == 0 {
				if c.at < len(src) {
					return dst, false
				}
				return append(c.dst, src[c.start:]...), true
			}
			if c.at >= len(src) {
				return dst, false
			}
			object := in&1 == 1
			b := src[c.at]
			c.at++
			if b == ',' {
				if object {
					c.space()
					if !c.name() {
						return dst, false
					}
				}
				break
			}
			if object && b != '}' || !object && b != ']' {
				return dst, false
			}
			in >>= 1
			depth--
		}
	}
}

// space leaves white space out.
func (c *compactor) space() {
	if c.at >= len(c.src) || c.src[c.at] > ' ' {
		return
	}
	from := c.at
	for c.at < len(c.src) && (c.src[c.at] == ' ' || c.src[c.at] == '\n' || c.src[c.at] == '\t' || c.src[c.at] == '\r') {
		c.at++
	}
	if c.at > from {
		c.dst = append(c.dst, c.src[c.start:from]...)
		c.start = c.at
	}
}

// name passes an object's name and the colon behind it.
func (c *compactor) name() bool {
	if c.at >= len(c.src) || c.src[c.at] != '"' || !c.text() {
		return false
	}
	c.space()
	if c.at >= len(c.src) || c.src[c.at] != ':' {
		return false
	}
	c.at++
	return true
}

func (c *compactor) word(w string) bool {
	if len(c.src)-c.at < len(w) || string(c.src[c.at:c.at+len(w)]) != w {
		return false
	}
	c.at += len(w)
	return true
}

func (c *compactor) digits() bool {
	from := c.at
	for c.at < len(c.src) && '0' <= c.src[c.at] && c.src[c.at] <= '9' {
		c.at++
	}
	return c.at > from
}

func (c *compactor) number() bool {
	if c.src[c.at] == '-' {
		c.at++
	}
	if c.at < len(c.src) && c.src[c.at] == '0' {
		c.at++
	} else if !c.digits() {
		return false
	}
	if c.at < len(c.src) && c.src[c.at] == '.' {
		c.at++
		if !c.digits() {
			return false
		}
	}
	if c.at < len(c.src) && (c.src[c.at] == 'e' || c.src[c.at] == 'E') {
		c.at++
		if c.at < len(c.src) && (c.src[c.at] == '+' || c.src[c.at] == '-') {
			c.at++
		}
		return c.digits()
	}
	return true
}

// text passes a string, from quote to quote. Bytes that are no UTF-8 stay as they are.
func (c *compactor) text() bool {
	src := c.src
	for i := c.at + 1; i < len(src); i++ {
		switch class[src[i]] {
		case plain:
		case ends:
			c.at = i + 1
			return true
		case escapes:
			if i++; i >= len(src) {
				return false
			}
			switch src[i] {
			case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
			case 'u':
				if len(src)-i < 5 || !isHex(src[i+1]) || !isHex(src[i+2]) || !isHex(src[i+3]) || !isHex(src[i+4]) {
					return false
				}
				i += 4
			default:
				return false
			}
		case hidden:
			c.dst = append(append(c.dst, src[c.start:i]...), '\\', 'u', '0', '0', hex[src[i]>>4], hex[src[i]&0xf])
			c.start = i + 1
		case lead:
			if i+2 < len(src) && src[i+1] == 0x80 && src[i+2]&^1 == 0xa8 {
				c.dst = append(append(c.dst, src[c.start:i]...), '\\', 'u', '2', '0', '2', hex[src[i+2]&0xf])
				i += 2
				c.start = i + 1
			}
		default:
			return false
		}
	}
	return false
}

func isHex(b byte) bool {
	return '0' <= b && b <= '9' || 'a' <= b && b <= 'f' || 'A' <= b && b <= 'F'
}
