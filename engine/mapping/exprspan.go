package mapping

// balanced widens the characters from to to of an expression until each bracket in them
// has its partner there: the parser leaves out the brackets around an operand, and the
// one that ends an index.
func (e *exprCompiler) balanced(from, to int) (int, int) {
	from, to = max(from, 0), min(to, len(e.text))
	open, closed := 0, 0 // without partners
	e.brackets(from, to, func(_ int, opens bool) bool {
		switch {
		case opens:
			open++
		case open > 0:
			open--
		default:
			closed++
		}
		return true
	})
	if closed > 0 {
		var before []int // brackets in front that are open there
		e.brackets(0, from, func(i int, opens bool) bool {
			if opens {
				before = append(before, i)
			} else if len(before) > 0 {
				before = before[:len(before)-1]
			}
			return true
		})
		if n := len(before) - closed; n >= 0 {
			from = before[n]
		}
	}
	if open > 0 {
		e.brackets(to, len(e.text), func(i int, opens bool) bool {
			if opens {
				open++
			} else if open--; open == 0 {
				to = i + 1
			}
			return open > 0
		})
	}
	return from, to
}

// brackets calls yield with each bracket between from and to that does not stand in a
// text, until it returns false.
func (e *exprCompiler) brackets(from, to int, yield func(i int, opens bool) bool) {
	quote := rune(0)
	for i := from; i < to; i++ {
		switch c := e.text[i]; {
		case quote != 0:
			if c == '\\' && quote != '`' {
				i++
			} else if c == quote {
				quote = 0
			}
		case c == '"' || c == '\'' || c == '`':
			quote = c
		case c == '(' || c == '[' || c == '{':
			if !yield(i, true) {
				return
			}
		case c == ')' || c == ']' || c == '}':
			if !yield(i, false) {
				return
			}
		}
	}
}
