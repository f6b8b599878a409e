package searchdoc

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxTerms bounds what is looked for of one query: nobody's seventh word decides.
// Nor does the 25th letter of what is written without blanks, where every two
// letters are to be found.
const (
	maxTerms   = 6
	maxLetters = 24
)

// Query is what somebody typed, understood: the same for every search engine.
type Query struct {
	Terms    []Term
	Excluded []string // words that a plugin must not have
	// Sentence says that it was asked as people talk, so that not every word of
	// it can be expected of an answer.
	Sentence bool
}

// Term is one thing that is looked for.
type Term struct {
	Text   string // a word, or the words of a quoted phrase
	Quoted bool
	Same   []string
	// Vague says that half of all plugins could be described with it.
	Vague bool
}

// fillers are words with which people ask, and not what they ask for. They
// count only when nothing else is there, so a plugin called "help" is found.
var fillers = []string{
	"i", "me", "my", "we", "our", "us", "want", "wants", "need", "needs", "like", "would", "please", "help", "helps", "find", "looking",
	"get", "give", "how", "what", "which", "when", "can", "could", "should", "do", "does", "be", "am", "have", "has", "some", "any", "all",
	"something", "best", "good", "better", "great", "improve", "improving", "make", "makes", "using", "use", "used", "way", "ways",
	"claude", "plugin", "plugins", "tool", "tools", "skill", "skills", "into", "about", "before", "so", "if", "there", "not", "more", "up",
}

// vague words count little beside others.
var vague = []string{
	"agent", "agents", "ai", "app", "application", "applications", "apps", "automation", "code", "coding", "developer", "developers",
	"development", "integration", "practices", "project", "projects", "software", "style", "support", "system", "work", "workflow", "workflows",
}

// written spells what would lose its meaning with its punctuation.
var written = strings.NewReplacer("c++", " cpp ", "c#", " csharp ", "f#", " fsharp ", " .net", " dotnet", "node.js", "nodejs", "next.js", "nextjs", "vue.js", "vue")

// Words gives the words of text in small letters: runs of letters and digits,
// divided where those begin or end that are written without blanks.
func Words(text string) (words []string) {
	text = strings.ReplaceAll(strings.ToLower(" "+text), "\x00", " ")
	for field := range strings.FieldsFuncSeq(written.Replace(text), func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r) && !unicode.Is(unicode.M, r)
	}) {
		words = append(words, Runs(field)...)
	}
	return words
}

// Parse understands text: words, "phrases" in double quotes and words that are
// -excluded.
func Parse(text string) Query {
	var q Query
	var spoken []string // in order, without quotes
	for i, part := range strings.Split(text, `"`) {
		if words := Words(part); i%2 == 1 && (len(words) > 1 || Unspaced(strings.Join(words, ""))) {
			q.add(Term{Text: strings.Join(words, " "), Quoted: true})
			continue
		}
		for field := range strings.FieldsSeq(part) {
			if words := Words(field); strings.HasPrefix(field, "-") && len(words) > 0 {
				q.Excluded = append(q.Excluded, strings.Join(words, " "))
			} else {
				spoken = append(spoken, words...)
			}
		}
	}
	words := meant(spoken)
	q.Sentence = len(strings.Join(words, "")) < len(strings.Join(spoken, ""))
	q.addSpoken(words)
	return q
}

// meant leaves out the words that only ask, unless there are no others.
func meant(spoken []string) (words []string) {
	for _, word := range spoken {
		words = append(words, parts(word)...)
	}
	for _, empty := range [][]string{slices.Concat(stopWords, fillers), stopWords, nil} {
		rest := slices.DeleteFunc(slices.Clone(words), func(w string) bool { return slices.Contains(empty, w) })
		if len(rest) > 0 {
			return rest
		}
	}
	return nil
}

// addSpoken adds a term for each word, and one for words that together have
// synonyms, such as "pull request".
func (q *Query) addSpoken(words []string) {
	all := Synonyms()
	for i := 0; i < len(words); {
		n := 1
		for _, length := range []int{4, 3, 2} {
			if i+length <= len(words) && all[strings.Join(words[i:i+length], " ")] != nil {
				n = length
				break
			}
		}
		text := strings.Join(words[i:i+n], " ")
		q.add(Term{Text: text, Same: all[text], Vague: slices.Contains(vague, text)})
		i += n
	}
}

func (q *Query) add(t Term) {
	if Unspaced(t.Text) {
		left := maxLetters
		for _, other := range q.Terms {
			if Unspaced(other.Text) {
				left -= utf8.RuneCountInString(other.Text)
			}
		}
		if left <= 0 {
			return
		}
		letters := []rune(t.Text)
		t.Text = strings.TrimSpace(string(letters[:min(len(letters), left)]))
	}
	if len(q.Terms) < maxTerms && !slices.ContainsFunc(q.Terms, func(other Term) bool { return other.Text == t.Text }) {
		q.Terms = append(q.Terms, t)
	}
}

// Plain gives the query without the words that only ask, for an engine that
// has the synonyms itself.
func (q Query) Plain() string {
	var b strings.Builder
	for _, t := range q.Terms {
		if t.Quoted {
			b.WriteString(`"` + t.Text + `" `)
		} else {
			b.WriteString(t.Text + " ")
		}
	}
	for _, x := range q.Excluded {
		b.WriteString(`-"` + x + `" `)
	}
	return strings.TrimSpace(b.String())
}
