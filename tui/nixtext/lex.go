package nixtext

import "strings"

var keywords = map[string]bool{
	"let": true, "in": true, "with": true, "rec": true, "inherit": true, "if": true, "then": true, "else": true,
	"assert": true, "or": true, "import": true, "true": true, "false": true, "null": true,
}

// Lex cuts src into tokens. It never fails: an unfinished string or comment
// runs to the end.
func Lex(src string) []Token {
	l := lexer{rest: src, stack: []frame{{}}}
	for l.rest != "" {
		switch l.top().quote {
		case 0:
			l.code()
		default:
			l.text()
		}
	}
	return l.out
}

// frame is one level of nesting: inside a string (quote is its end mark), or
// in code, where braces counts the open { so that the } of a ${ is known.
type frame struct {
	quote  byte // '"', '\'' for ''…'', 0 for code
	braces int
}

type lexer struct {
	rest  string
	out   []Token
	stack []frame
}

func (l *lexer) top() *frame  { return &l.stack[len(l.stack)-1] }
func (l *lexer) push(f frame) { l.stack = append(l.stack, f) }
func (l *lexer) pop()         { l.stack = l.stack[:len(l.stack)-1] }

// emit moves the first n bytes of the rest into a token.
func (l *lexer) emit(k Kind, n int) {
	if n > 0 {
		l.out = append(l.out, Token{k, l.rest[:n]})
		l.rest = l.rest[n:]
	}
}

// text reads the inside of a string up to its end or the next ${.
func (l *lexer) text() {
	quote := l.top().quote
	for i := 0; i < len(l.rest); {
		s := l.rest[i:]
		switch {
		case quote == '"' && s[0] == '\\' && len(s) > 1:
			i += 2
		case quote == '\'' && (strings.HasPrefix(s, "'''") || strings.HasPrefix(s, "''$")):
			i += 3
		case quote == '\'' && strings.HasPrefix(s, `''\`):
			i += min(4, len(s))
		case strings.HasPrefix(s, "$${"), strings.HasPrefix(s, "$$"):
			i += 2
		case strings.HasPrefix(s, "${"):
			l.emit(String, i)
			l.emit(Insert, 2)
			l.push(frame{})
			return
		case quote == '"' && s[0] == '"':
			l.emit(String, i+1)
			l.pop()
			return
		case quote == '\'' && strings.HasPrefix(s, "''"):
			l.emit(String, i+2)
			l.pop()
			return
		default:
			i++
		}
	}
	l.emit(String, len(l.rest))
}

// code reads one token outside of strings.
func (l *lexer) code() {
	s, c := l.rest, l.rest[0]
	switch {
	case c == '#':
		l.emit(Comment, span(s, func(b byte) bool { return b != '\n' }))
	case strings.HasPrefix(s, "/*"):
		n := strings.Index(s[2:], "*/") + 4
		if n == 3 {
			n = len(s)
		}
		l.emit(Comment, n)
	case c == '"':
		l.emit(String, 1)
		l.push(frame{quote: '"'})
	case strings.HasPrefix(s, "''"):
		l.emit(String, 2)
		l.push(frame{quote: '\''})
	case strings.HasPrefix(s, "${"):
		l.emit(Insert, 2)
		l.push(frame{})
	case c == '{':
		l.top().braces++
		l.emit(Plain, 1)
	case c == '}':
		l.brace()
	case pathLen(s) > 0:
		l.emit(Path, pathLen(s))
	case c >= '0' && c <= '9':
		l.emit(Number, span(s, func(b byte) bool { return b >= '0' && b <= '9' || b == '.' }))
	case wordByte(c):
		l.word()
	default:
		l.emit(Plain, 1+span(s[1:], func(b byte) bool { return b >= 0x80 || b == ' ' || b == '\n' || b == '\t' }))
	}
}

// brace closes the ${ it belongs to, or an attribute set.
func (l *lexer) brace() {
	if l.top().braces > 0 {
		l.top().braces--
		l.emit(Plain, 1)
		return
	}
	kind := Plain
	if len(l.stack) > 1 {
		l.pop()
		kind = Insert
	}
	l.emit(kind, 1)
}

// word reads an identifier: a keyword, an attribute name or neither.
func (l *lexer) word() {
	n := span(l.rest, wordByte)
	after := strings.TrimLeft(l.rest[n:], " \t")
	kind := Plain
	switch {
	case keywords[l.rest[:n]]:
		kind = Keyword
	case strings.HasPrefix(after, "."), strings.HasPrefix(after, "=") && !strings.HasPrefix(after, "=="):
		kind = Name
	}
	l.emit(kind, n)
}

// pathLen returns the length of the path at the start of s, 0 if there is
// none: <nixpkgs/lib>, ./x, ../x, ~/x, /x.
func pathLen(s string) int {
	if s[0] == '<' {
		n := span(s[1:], pathByte)
		if n > 0 && n+1 < len(s) && s[n+1] == '>' {
			return n + 2
		}
		return 0
	}
	for _, start := range []string{"./", "../", "~/", "/"} {
		if strings.HasPrefix(s, start) && len(s) > len(start) && wordByte(s[len(start)]) {
			return span(s, pathByte)
		}
	}
	return 0
}

func pathByte(b byte) bool { return wordByte(b) || b == '.' || b == '/' || b == '~' || b == '+' }

func wordByte(b byte) bool {
	return b == '_' || b == '-' || b == '\'' || b >= '0' && b <= '9' || b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z'
}

// span counts the bytes at the start of s for which is holds.
func span(s string, is func(byte) bool) int {
	for i := range len(s) {
		if !is(s[i]) {
			return i
		}
	}
	return len(s)
}
