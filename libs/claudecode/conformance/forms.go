package main

import "slices"

var texts = []string{`null`, `1`, `true`, `""`, `" "`, `"x"`, `[]`, `["x"]`, `{}`}
var numbers = []string{`null`, `"1"`, `true`, `0`, `-0`, `0.0`, `1`, `1.5`, `-1`, `1e3`, `1e400`, `-1e400`, `0.1e1`, `9007199254740993`, `1e21`, `[]`, `{}`}
var addresses = []string{
	`"https://a.b"`, `"https://a.b:99999"`, `"https://a.b:x"`, `"https://"`, `"https:a.b"`, `"https:/a"`, `"HTTPS://A"`, `"http://[::1]"`, `"http://[::1"`,
	`"http://a b"`, `"http://a/b c"`, `"http://%zz"`, `"http://a%20b"`, `"http://a/%zz"`, `"http://é.b"`, `"http://1.2.3.4.5"`, `"http://1.2.3.256"`, `"http://256"`, `"http://0x7f"`,
	`"http://a_b"`, `"http://-a"`, `"http://a..b"`, `"http://."`, `"http://user:p@h"`, `"http://@"`, `"http://:80"`, `"http://?"`, `"http://#"`, `"http://a?b#c"`, `"mailto:"`,
	`"mailto:a@b"`, `"javascript:1"`, `"data:,"`, `"file:"`, `"file:///"`, `"file://h/x"`, `"x:"`, `":x"`, `"x"`, `"//a"`, `"/a"`, `"1x:a"`, `"a+b.c-d:x"`, `"a_b:x"`, `" https://a"`, `"https://a "`,
	`"ht\ntp://a"`, `"https://a\tb"`, `"git@a:b/c"`, `"ssh://git@a/b"`, `"ssh://"`, `"ws://"`, `"ftp://a"`, `"ftp://"`, `"a.b.c"`, `"localhost:80"`, `"C:\\x"`, `"https://a\\b"`, `"https://a|b"`, `"https://a^b"`, `"https://a<b"`,
	`"https://a.b/\u0000"`, `"https://\u0000"`, `"http://a:"`, `"http://a:0"`, `"http://a:65536"`, `"http:\\\\a"`, `"http:///a"`, `"x://a b"`, `"x://"`, `"x://a:b"`, `"x://["`, `"http://a@b@c"`, `"http://４"`, `"http://a:8 0"`, `"http://ＡＢ"`, `"http://☃.net"`, "\"http://a\u00adb\"",
}
var names = []string{`"a"`, `"a-b"`, `"a b"`, `"-a"`, `".a"`, `"_a"`, `"a."`, `"a_b.c"`, `"A1"`, `"1a"`, `"a@b"`, `"a@b@^1.0"`, `"a@^1.0"`, `"a@^"`, `"a@b@c"`, `"a@^1@b"`, `"a@b@"`, `"a@"`, `"@a"`, `"a@-b"`, `"a@b@^x y"`, `"a@~1.0"`, `"a@1.0.0"`, `"a@b@1.0"`, `"a@>=1"`, `"a/b"`, `"é"`, `""`, `"a\n"`, `"a@^1\n"`, `1`, `null`, `[]`, `["a"]`}

// forms vary what is inside the fields' values.
var forms = slices.Concat([]form{
	{`"author":{"name":@}`, texts}, {`"author":{"name":"a","email":@}`, texts}, {`"author":{"name":"a","url":@}`, texts},
	{`"author":{"name":"a","x":@}`, texts[:2]}, {`"author":{"Name":@}`, texts[5:6]},
	{`"homepage":@`, addresses}, {`"keywords":["a",@]`, texts},
	{`"dependencies":[@]`, names}, {`"dependencies":["a",@]`, names[:3]}, {`"dependencies":[{"name":@}]`, names}, {`"dependencies":[{"name":"a","marketplace":@}]`, names},
	{`"dependencies":[{"name":"a","version":@}]`, texts}, {`"dependencies":[{"name":"a","x":@}]`, texts[:2]}, {`"dependencies":[{@}]`, []string{`"marketplace":"a"`, ``}},
	{`"settings":{"agent":@}`, texts}, {`"settings":{"subagentStatusLine":@}`, texts}, {`"settings":{"permissions":@}`, texts},
	{`"commands":{"a":{@}}`, []string{``, `"source":"./x.md"`, `"content":"x"`, `"content":""`, `"source":"","content":"x"`, `"source":"./x.md","content":"x"`, `"source":"./x.md","content":null`,
		`"source":null`, `"source":"x.md"`, `"source":"./none"`, `"source":"./d"`, `"source":"./../x"`, `"source":"./x.json"`, `"source":"./"`, `"source":".."`, `"content":1`, `"content":null`, `"content":[]`, `"description":"x"`, `"content":"x","x":1`, `"source":1,"content":"x"`, `"source":"./x.md","content":""`}},
	{`"commands":{"a":{"content":"x","description":@}}`, texts}, {`"commands":{"a":{"content":"x","argumentHint":@}}`, texts}, {`"commands":{"a":{"content":"x","model":@}}`, texts},
	{`"commands":{"a":{"content":"x","allowedTools":@}}`, append(texts, `[1]`)}, {`"commands":{@:{"content":"x"}}`, []string{`""`, `" "`, `"a b"`, `"a/b"`, `"__proto__"`, `"é"`}},
	{`"commands":@`, append(paths, `[{"a":{"content":"x"}}]`, `["./x.md",{"a":{"content":"x"}}]`, `{"a":"./x.md"}`, `{"a":{"content":"x"},"b":1}`)},
	{`"agents":@`, append(paths, `"./a.MD"`, `["./x.md",1]`, `"./.md"`, `"./x.md/"`, `{"a":{"content":"x"}}`)},
	{`"skills":@`, append(paths, `["."]`, `["./","./d"]`)}, {`"outputStyles":@`, paths}, {`"workflows":@`, paths}, {`"themes":@`, paths}, {`"monitors":@`, paths},
	{`"hooks":@`, append(paths, `"./x.JSON"`, `"./.json"`, `["./x.json",{}]`, `{"hooks":{}}`, `[{"hooks":{}}]`, `["./x.json",1]`, `[{},{}]`, `{"Stop":[]}`, `{"stop":[]}`, `{"Stop":{}}`, `{"Stop":[{}]}`, `{"Stop":[{"hooks":[]}]}`, `{"DirectoryAdded":[]}`)},
	{`"mcpServers":@`, append(paths, `"./x.mcpb"`, `"./x.dxt"`, `"./x.MCPB"`, `"https://a/x.mcpb"`, `"http://a/x.dxt"`, `"https://a/x.mcpb?x"`, `"https://a/x.json"`, `"HTTPS://a/x.mcpb"`, `"ftp://a/x.mcpb"`, `"https://.mcpb"`, `"https:///x.mcpb"`, `"https://a b/x.mcpb"`, `"x.mcpb"`, `["./x.json",{"a":{"command":"x"}}]`, `[1]`, `{"mcpServers":{"a":{"command":"x"}}}`, `{"mcpServers":{}}`, `"./../x.json"`, `"./none.json"`, `"./../x.mcpb"`, `"mailto:x.mcpb"`, `"file:///x.mcpb"`, `"x:y.dxt"`, `"https://a/x.mcpb#y.mcpb"`, `"https://a/x#y.mcpb"`, `"https://a/?y.mcpb"`, `" https://a/x.mcpb"`, `"https://a/x.mcpb "`, `"javascript:x.mcpb"`, `"C:/x.mcpb"`, `"https://a/x.MCPB"`, `["https://a/x.mcpb","./x.dxt"]`)},
	{`"lspServers":@`, append(paths, `["./x.json",{}]`, `{"lspServers":{}}`, `"./../x.json"`, `"./none.json"`)},
	{`"experimental":{"themes":@}`, paths}, {`"experimental":{"monitors":@}`, paths}, {`"experimental":{"evals":@}`, append(append(texts, paths...), `[1]`, `[null]`, `[[]]`, `"./x.json"`)}, {`"experimental":{"themes":@}`, texts}, {`"experimental":{"monitors":@}`, texts}, {`"experimental":{"x":@}`, texts[:2]},
	{`"experimental":{"hooks":@}`, texts[:2]},
}, serverForms, otherForms)

var paths = []string{`"./x.md"`, `"././x.md"`, `".//x.md"`, `"./d/./SKILL.md"`, `"./x.md "`, `" ./x.md"`, `"./a b.md"`, `"./d\\SKILL.md"`, `"./d/.."`, `"./..d"`, `"./d..md"`, `"./..."`, `"~/x"`, `"C:/x"`, `"./*"`, `"./${CLAUDE_PLUGIN_ROOT}/x"`, `"${CLAUDE_PLUGIN_ROOT}/x.md"`,
	`"./X.MD"`, `"./D"`, `"./d/none"`, `"./x.md/y"`, `"./\u0000"`, `"./é"`, `["./d","./d"]`, `["./d/",""]`, `["./none",".."]`, `"./x.json"`, `"./d.json"`}

var serverForms = []form{
	{`"mcpServers":{"a":@}`, texts}, {`"mcpServers":{@:{"command":"x"}}`, []string{`""`, `" "`, `"a b"`, `"a/b"`, `"é"`, `"__proto__"`, `"constructor"`}},
	{`"mcpServers":{"a":{"command":@}}`, texts}, {`"mcpServers":{"a":{"command":"x","args":@}}`, append(texts, `[1]`, `[""]`, `[null]`)},
	{`"mcpServers":{"a":{"command":"x","env":@}}`, append(texts, `{"A":1}`, `{"A":null}`, `{"A":""}`, `{"":"x"}`, `{"A":true}`)},
	{`"mcpServers":{"a":{"command":"x","cwd":@}}`, texts}, {`"mcpServers":{"a":{"command":"x","timeout":@}}`, numbers}, {`"mcpServers":{"a":{"command":"x","x":@}}`, texts}, {`"mcpServers":{"a":{"command":"x","headers":@}}`, texts}, {`"mcpServers":{"a":{"command":"x","disabled":@}}`, texts},
	{`"mcpServers":{"a":{"command":"x","alwaysLoad":@}}`, texts}, {`"mcpServers":{"a":{"type":"http","url":"x","alwaysLoad":@}}`, texts}, {`"mcpServers":{"a":{"type":"sse","url":"x","alwaysLoad":@}}`, texts}, {`"mcpServers":{"a":{"type":"ws","url":"x","alwaysLoad":@}}`, texts}, {`"mcpServers":{"a":{"type":"ws-ide","url":"x","ideName":"a","alwaysLoad":@}}`, texts[1:3]}, {`"mcpServers":{"a":{"type":"sse-ide","url":"x","ideName":"a","timeout":@}}`, texts[:3]}, {`"mcpServers":{"a":{"type":"claudeai-proxy","url":"x","id":"a","timeout":@}}`, texts[:3]}, {`"mcpServers":{"a":{"type":"sdk","name":"a","timeout":@}}`, texts[:3]}, {`"mcpServers":{"a":{"type":"sse-ide","url":"x","ideName":"a","headers":@}}`, texts[:3]},
	{`"mcpServers":{"a":{"command":"x","type":@}}`, append(texts, `"stdio"`, `"STDIO"`, `"http"`, `"sdk"`, `"ws"`)},
	{`"mcpServers":{"a":{"url":"https://a","type":@}}`, []string{`"http"`, `"streamable-http"`, `"streamableHttp"`, `"sse"`, `"ws"`, `"ws-ide"`, `"sse-ide"`, `"claudeai-proxy"`, `"sdk"`, `"stdio"`, `"HTTP"`, `"websocket"`, `""`, `null`, `1`}},
	{`"mcpServers":{"a":{"type":"sse-ide","url":"x",@}}`, []string{`"ideName":"x"`, `"ideName":1`, `"ideName":"x","ideRunningInWindows":true`, `"ideName":"x","ideRunningInWindows":1`, `"x":1`}},
	{`"mcpServers":{"a":{"type":"ws-ide","url":"x",@}}`, []string{`"ideName":"x"`, `"ideName":1`, `"ideName":"x","authToken":"x"`, `"ideName":"x","authToken":1`, `"x":1`}},
	{`"mcpServers":{"a":{"type":"claudeai-proxy","url":"x",@}}`, []string{`"id":"x"`, `"id":1`, `"x":1`}},
	{`"mcpServers":{"a":{"type":"sdk",@}}`, []string{`"name":"x"`, `"name":1`, `"name":""`, `"x":1`}},
	{`"mcpServers":{"a":{"type":"http","url":@}}`, texts}, {`"mcpServers":{"a":{"type":"ws","url":@}}`, texts}, {`"mcpServers":{"a":{"type":"sse","url":@}}`, texts},
	{`"mcpServers":{"a":{"type":"http","url":"x","headers":@}}`, append(texts, `{"A":1}`, `{"A":"x"}`, `{"A":null}`)},
	{`"mcpServers":{"a":{"type":"sse","url":"x","headers":@}}`, append(texts, `{"A":1}`)}, {`"mcpServers":{"a":{"type":"ws","url":"x","headers":@}}`, append(texts, `{"A":1}`)},
	{`"mcpServers":{"a":{"type":"http","url":"x","headersHelper":@}}`, texts}, {`"mcpServers":{"a":{"type":"sse","url":"x","headersHelper":@}}`, texts}, {`"mcpServers":{"a":{"type":"ws","url":"x","headersHelper":@}}`, texts},
	{`"mcpServers":{"a":{"type":"http","url":"x","timeout":@}}`, numbers}, {`"mcpServers":{"a":{"type":"sse","url":"x","timeout":@}}`, numbers}, {`"mcpServers":{"a":{"type":"ws","url":"x","timeout":@}}`, numbers},
	{`"mcpServers":{"a":{"type":"http","url":"x","oauth":@}}`, append(texts, oauths...)}, {`"mcpServers":{"a":{"type":"sse","url":"x","oauth":@}}`, append(texts, oauths...)}, {`"mcpServers":{"a":{"type":"ws","url":"x","oauth":@}}`, append(texts, oauths...)},
	{`"lspServers":{"a":@}`, texts}, {`"lspServers":{@:{"command":"x","extensionToLanguage":{".a":"a"}}}`, []string{`""`, `"a b"`, `"__proto__"`}},
	{`"lspServers":{"a":{"command":@,"extensionToLanguage":{".a":"a"}}}`, append(texts, `"a b"`, `"/a b"`, `"./a b"`, `"a\tb"`, `"a\nb"`, `"~/a b"`, `"a b"`)},
	{`"lspServers":{"a":{"command":"x","extensionToLanguage":@}}`, append(texts, `{"a":"x"}`, `{".":"x"}`, `{".a":""}`, `{".a":1}`, `{".a":"x","b":"y"}`, `{".a.b":"x"}`, `{".é":"x"}`, `{". ":"x"}`, `{"a":1}`, `{".A":" "}`)},
	{`"lspServers":{"a":{"command":"x","extensionToLanguage":{".a":"a"},@}}`, []string{`"x":1`, `"args":[]`, `"args":[""]`, `"args":["x"]`, `"args":[1]`, `"args":"x"`, `"args":null`, `"transport":"stdio"`, `"transport":"socket"`, `"transport":"tcp"`, `"transport":null`, `"env":{}`, `"env":{"A":1}`, `"env":[]`, `"initializationOptions":null`, `"initializationOptions":1`, `"settings":[]`, `"settings":null`, `"workspaceFolder":""`, `"workspaceFolder":1`, `"restartOnCrash":1`, `"restartOnCrash":false`, `"diagnostics":"x"`, `"diagnostics":true`}},
	{`"lspServers":{"a":{"command":"x","extensionToLanguage":{".a":"a"},"startupTimeout":@}}`, numbers}, {`"lspServers":{"a":{"command":"x","extensionToLanguage":{".a":"a"},"shutdownTimeout":@}}`, numbers}, {`"lspServers":{"a":{"command":"x","extensionToLanguage":{".a":"a"},"maxRestarts":@}}`, numbers},
	{`"lspServers":{"a":{@}}`, []string{`"command":"x"`, `"extensionToLanguage":{".a":"a"}`, ``}},
}

var oauths = []string{`{"clientId":"x"}`, `{"clientId":""}`, `{"clientId":1}`, `{"callbackPort":1}`, `{"callbackPort":0}`, `{"callbackPort":-1}`, `{"callbackPort":1.5}`, `{"callbackPort":70000}`, `{"callbackPort":"1"}`, `{"authServerMetadataUrl":"x"}`, `{"authServerMetadataUrl":"http://a"}`, `{"authServerMetadataUrl":"https://a"}`, `{"authServerMetadataUrl":1}`, `{"scopes":"x"}`, `{"scopes":""}`, `{"scopes":["x"]}`, `{"scopes":1}`, `{"xaa":true}`, `{"xaa":1}`, `{"x":1}`, `{"clientId":null}`}

var otherForms = []form{
	{`"monitors":[@]`, append(texts, monitors...)}, {`"experimental":{"monitors":[@]}`, monitors}, {`"monitors":@`, []string{`"./x.json"`, `"./none.json"`, `"./../x.json"`, `"./x.JSON"`, `["./x.json"]`, `[["a"]]`, `[]`}},
	{`"monitors":[{"name":"a","command":"x","description":"d","when":@}]`, append(texts, `"always"`, `"Always"`, `"on-skill-invoke:"`, `"on-skill-invoke:x"`, `"on-skill-invoke: "`, `"on-skill-invoke:\n"`, `"on-skill-invoke:\nx"`, `"on-skill-invoke"`, `"never"`)},
	{`"monitors":[{"name":@,"command":"x","description":"d"}]`, texts}, {`"monitors":[{"name":"a","command":@,"description":"d"}]`, texts}, {`"monitors":[{"name":"a","command":"x","description":@}]`, texts},
	{`"userConfig":{@:{"type":"string","title":"t","description":"d"}}`, []string{`"a"`, `"_a"`, `"A1"`, `"1a"`, `"a-b"`, `"a.b"`, `""`, `"é"`, `"aé"`, `"a b"`, `"__proto__"`, `"constructor"`, `"$a"`}},
	{`"userConfig":{"a":@}`, texts}, {`"userConfig":{"a":{"type":@,"title":"t","description":"d"}}`, append(texts, `"string"`, `"number"`, `"boolean"`, `"directory"`, `"file"`, `"String"`, `"select"`, `"enum"`)},
	{`"userConfig":{"a":{"type":"string","title":@,"description":"d"}}`, texts}, {`"userConfig":{"a":{"type":"string","title":"t","description":@}}`, texts},
	{`"userConfig":{"a":{"type":"string","title":"t","description":"d","required":@}}`, texts[:4]}, {`"userConfig":{"a":{"type":"string","title":"t","description":"d","sensitive":@}}`, texts[:4]}, {`"userConfig":{"a":{"type":"string","title":"t","description":"d","multiple":@}}`, texts[:4]},
	{`"userConfig":{"a":{"type":"number","title":"t","description":"d","min":@}}`, numbers}, {`"userConfig":{"a":{"type":"number","title":"t","description":"d","max":@}}`, numbers},
	{`"userConfig":{"a":{"type":"string","title":"t","description":"d","default":@}}`, append(texts, `1.5`, `1e400`, `[1]`, `[""]`, `["x",null]`, `false`)}, {`"userConfig":{"a":{"type":"string","title":"t","description":"d",@}}`, []string{`"x":1`, `"options":[]`, `"x":1,"y":2`, `"min":2,"max":1`, `"default":1`, `"pattern":"x"`}},
	{`"userConfig":{"a":{@}}`, []string{``, `"type":"string"`, `"title":"t","description":"d"`, `"x":1`}},
	{`"channels":@`, []string{`[{"server":"a"}]`, `[{"server":""}]`, `[{"server":1}]`, `[{}]`, `[{"server":"a","displayName":""}]`, `[{"server":"a","displayName":1}]`, `[{"server":"a","x":1}]`, `[{"server":"a","userConfig":{}}]`, `[{"server":"a","userConfig":null}]`, `[{"server":"a","userConfig":{"a":{"type":"string","title":"t","description":"d"}}}]`, `[{"server":"a","userConfig":{"a":{"type":"x","title":"t","description":"d"}}}]`, `[{"server":"a","userConfig":{"1":{"type":"string","title":"t","description":"d"}}}]`, `[{"server":"a"},{"server":"a"}]`, `["a"]`, `[[]]`, `[{"server":" "}]`}},
}

var monitors = []string{`{"name":"a","command":"x","description":"d"}`, `{"name":"a","command":"x"}`, `{"name":"a","description":"d"}`, `{"command":"x","description":"d"}`, `{"name":"a","command":"x","description":"d","x":1}`, `{"name":"a","command":"x","description":"d","when":"always"}`, `{"name":"a","command":"x","description":"d"},{"name":"a","command":"x","description":"d"}`, `{"name":"a","command":"x","description":"d"},{"name":"b","command":"x","description":"d"}`, `{"name":"a","command":"x","description":"d","timeout":1}`}

// sourceVariations are an entry's sources.
func sourceVariations() (all []string) {
	for _, v := range anything {
		all = append(all, `"source":`+v)
	}
	for _, f := range sourceForms {
		for _, v := range f.values {
			all = append(all, `"source":`+replaceHole(f.around, v))
		}
	}
	return all
}

var ids = append(slices.Clone(texts), `"0123456789012345678901234567890123456789"`, `"012345678901234567890123456789012345678"`, `"01234567890123456789012345678901234567890"`, `"ABCDEF6789012345678901234567890123456789"`, `"abcdef6789012345678901234567890123456789"`, `"g123456789012345678901234567890123456789"`, `" 012345678901234567890123456789012345678"`, `"0123456789012345678901234567890123456789\n"`, `"0123456"`)
var addressTexts = append(slices.Clone(texts), `"a/b"`, `"https://a/b"`, `"a/b/c"`, `"../x"`, `"git@a:b/c"`, `"ext::x"`, `"--x"`, `"a..b"`, `"./x"`, `"/x"`, `"."`, `".."`)

var sourceForms = []form{
	{`@`, []string{`"./a/../b"`, `"./..p"`, `"./.../p"`, `"./p.."`, `"../p"`, `"./p/"`, `"././p"`, `".//p"`, `"./p p"`, `"./é"`, `"./\u0000"`, `"./~"`, `".\\p"`, `"./p\\q"`, `"~/p"`, `"p"`, `"a/b"`, `"https://a/b"`, `"./."`, `".."`, `"./.."`, `" ./p"`, `"./ "`, `"./p\n"`}},
	{`{"source":@}`, append(texts, `"github"`, `"url"`, `"git-subdir"`, `"npm"`, `"archive"`, `"command"`, `"pip"`, `"git"`, `"local"`, `"directory"`, `"file"`, `"path"`, `"settings"`, `"zip"`, `"gitlab"`, `"GitHub"`, `"URL"`, `"unsupported"`, `"hostPattern"`)},
	{`{"repo":@}`, addressTexts}, {`{"source":"github","repo":@}`, addressTexts}, {`{"source":"github","repo":"a/b","ref":@}`, append(texts, `"-x"`)}, {`{"source":"github","repo":"a/b","sha":@}`, ids}, {`{"source":"github","repo":"a/b","path":@}`, addressTexts}, {`{"source":"github","repo":"a/b","x":@}`, texts},
	{`{"source":"url","url":@}`, addressTexts}, {`{"source":"url","url":"x","ref":@}`, texts}, {`{"source":"url","url":"x","sha":@}`, ids}, {`{"source":"url","url":"x","path":@}`, addressTexts}, {`{"source":"url","url":"x","headers":@}`, texts},
	{`{"source":"git-subdir","url":@,"path":"p"}`, addressTexts}, {`{"source":"git-subdir","url":"x","path":@}`, addressTexts}, {`{"source":"git-subdir","path":"p"@}`, []string{``, `,"repo":"a/b"`}}, {`{"source":"git-subdir","url":"x"@}`, []string{``}}, {`{"source":"git-subdir","url":"x","path":"p","ref":@}`, texts}, {`{"source":"git-subdir","url":"x","path":"p","sha":@}`, ids},
	{`{"source":"npm","package":@}`, append(addressTexts, `"@a/b"`, `"a@1"`, `"a b"`, `"A"`, `"@a/../b"`)}, {`{"source":"npm","package":"a","version":@}`, texts}, {`{"source":"npm","package":"a","registry":@}`, addresses}, {`{"source":"npm","package":"a","registry":@}`, texts}, {`{"source":"npm","package":"a","sha":@}`, texts},
	{`{"source":"archive",@}`, []string{`"url":"https://a/x.zip"`, `"url":"https://a/x.zip","sha256":"x"`, `"x":1`}}, {`{"source":"command",@}`, []string{`"command":"x"`, `"x":1`}},
	{`{"source":"unsupported",@}`, []string{`"x":1`, `"raw":{}`}},
}
