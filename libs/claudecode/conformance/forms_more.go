package main

import (
	"fmt"
	"strings"
)

func replaceHole(around, v string) string { return strings.Replace(around, "@", v, 1) }

// entryVariations are what only entries have, and their names.
func entryVariations() (all []string) {
	for _, f := range strings.Fields("category tags strict relevance id") {
		for _, v := range anything {
			all = append(all, fmt.Sprintf("%q:%s", f, v))
		}
	}
	for _, v := range []string{`{"topic":"x"}`, `{"signals":{}}`, `{"signals":{"cli":["x"]}}`, `{"signals":{"hosts":[]}}`, `{"signals":{"filesRead":1}}`, `{"signals":{"manifestDeps":null}}`, `{"signals":{"cwd":"x"}}`, `{"signals":{"x":1}}`, `{"signals":{"x":1,"cli":["a"]}}`, `{"topic":1,"signals":{"cli":["x"]}}`, `{"topic":"x","signals":{"cli":["x"]},"y":1}`, `{"topic":"x","signals":[]}`, `{"topic":"x","signals":null}`, `{"signals":{"cli":[]}}`, `{"signals":{"cli":{}}}`, `{"signals":{"cli":[1]}}`, `{"signals":{"cli":"x"}}`, `{"topic":"","signals":{"cli":["x"]}}`, `{"signals":{"cli":[""]}}`, `{"signals":{"hosts":["x"]}}`, `{"signals":{"filesRead":["x"]}}`, `{"signals":{"manifestDeps":["x"]}}`, `{"signals":{"manifestDeps":[{}]}}`, `{"signals":{"manifestDeps":{"npm":["x"]}}}`, `{"signals":{"manifestDeps":[{"file":"x","dep":"y"}]}}`, `{"signals":{"cwd":["x"]}}`, `{"signals":{"cwd":{}}}`, `{"signals":{"cwd":true}}`, `{"signals":{"cli":null,"hosts":["x"]}}`, `{"signals":{"cli":["x"],"cwd":[]}}`, `{"topic":null,"signals":{"cli":["x"]}}`, `{"topic":" ","signals":{"cli":["x"]}}`, `{"signals":"x"}`, `{"signals":{"cli":[],"hosts":[]}}`, `{}`} {
		all = append(all, `"relevance":`+v)
	}
	return all
}

// nameVariations are whole manifests.
func nameVariations() (all []string) {
	for _, v := range append(anything, `"a b"`, `"a\tb"`, `"a\u00a0b"`, `"A"`, `"a_b"`, `"a.b"`, `"a/b"`, `"a@b"`, `"a:b"`, `"a\\b"`, `"é"`, `"漢"`, `"😀"`, `"-a"`, `"a-"`, `"a--b"`, `"1"`, `"1-a"`, `"a\n"`, `"\u0000"`, `"\ud800"`, `"__proto__"`, `"constructor"`, `"inline"`, `"claude"`, `"official-claude"`, `"anthropic-x"`, `"claude-x"`) {
		all = append(all, `{"name":`+v+`,"version":"1","description":"d","author":{"name":"A"}}`)
	}
	return append(all, `{}`, `{"Name":"x"}`, `{"name":"x","version":""}`, `{"name":"x","description":"","author":{"name":""}}`, `{"name":"x","description":" ","version":" "}`, `{"version":"1"}`, `{"name":"X","author":"A"}`)
}

// jsonVariations are oddities of JSON itself.
func jsonVariations() []string {
	ok := `"name":"tool","version":"1","description":"d","author":{"name":"A"}`
	return []string{
		"", " ", "\n", "null", "true", "1", `"x"`, "[]", "[{}]", "{", "}", "{}{}", "{} {}", "{}\n", "\ufeff{" + ok + "}", "{" + ok + ",}", "{" + ok + "} x", "{" + ok + "}//c", "//c\n{" + ok + "}",
		"{/*c*/" + ok + "}", "{" + ok + `,"a":1,"a":2}`, "{" + ok + `,"name":"b"}`, "{" + ok + `,"name":1}`, `{"name":1,` + ok + "}", "{" + ok + `,"license":"\ud800"}`, "{" + ok + `,"license":"\udc00\ud800"}`, "{" + ok + `,"license":"\ud83d\ude00"}`,
		"{" + ok + `,"license":"\x"}`, "{" + ok + `,"license":"\u12"}`, "{" + ok + ",\"license\":\"a\tb\"}", "{" + ok + ",\"license\":\"a\nb\"}", "{" + ok + ",\"license\":\"a\x01b\"}", "{" + ok + ",\"license\":\"a\x7fb\"}", "{" + ok + ",\"license\":\"a\u2028b\"}",
		"{" + ok + `,"license":'a'}`, `{name:"x"}`, "{" + ok + `,"x":01}`, "{" + ok + `,"x":+1}`, "{" + ok + `,"x":.5}`, "{" + ok + `,"x":1.}`, "{" + ok + `,"x":1e}`, "{" + ok + `,"x":-}`, "{" + ok + `,"x":NaN}`, "{" + ok + `,"x":Infinity}`, "{" + ok + `,"x":0x1}`, "{" + ok + `,"x":1e999}`,
		"{" + ok + `,"x":undefined}`, "{" + ok + `,"x":True}`, "{" + ok + `,"settings":{"a":1,}}`, "{" + ok + `,"keywords":["a",]}`, "{" + ok + `,"keywords":[,]}`, "{" + ok + `,"keywords":["a" "b"]}`, "{" + ok + `,"x":` + strings.Repeat("[", 500) + strings.Repeat("]", 500) + "}", "{" + ok + `,"x":` + strings.Repeat(`{"a":`, 200) + "1" + strings.Repeat("}", 200) + "}",
		"{" + ok + `,"__proto__":{"license":1}}`, "{" + ok + `,"__proto__":null}`, "{" + ok + `,"settings":{"__proto__":1}}`, "{\r\n" + ok + "\r\n}", "{\t" + ok + "}", "{\u00a0" + ok + "}", "{\v" + ok + "}", "{\f" + ok + "}", "\x00{" + ok + "}", "{" + ok + "}\x00", "{" + ok + "}\u00a0", "{" + ok + "}\ufeff",
		"{" + ok + `,"x":12345678901234567890123456789012345678901234567890}`, "{" + ok + ",\"license\":\"a\xff\"}", "{" + ok + `,"license":"\/"}`, "{" + ok + `,"\u006cicense":1}`, "\xff\xfe{\x00}\x00",
		"{" + ok + `,"license":"` + strings.Repeat("x", 70000) + `"}`,
	}
}
