package main

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/plugpack/plugpack/libs/claudecode"
)

// ownCase is a small tree that we made up. Most hold many variations at once,
// each in a place of its own, so that one start of the client answers for all.
type ownCase struct {
	ID    string            `json:"id"`
	Files map[string]string `json:"files"`
}

const (
	pluginFile = ".claude-plugin/plugin.json"
	marketFile = claudecode.MarketplaceFile
)

// ownCases gives every case, in the same order each time.
func ownCases() (all []ownCase) {
	all = append(all, entryCases()...)
	all = append(all, manifestCases()...)
	all = append(all, frontMatterCases()...)
	all = append(all, hookCases()...)
	all = append(all, headCases()...)
	return append(all, placeCases()...)
}

// chunk bounds the variations of one case.
const chunk = 400

// entryCases vary one field of an entry each.
func entryCases() (all []ownCase) {
	variations := append(fieldVariations(), sourceVariations()...)
	variations = append(variations, entryVariations()...)
	for part := range slices.Chunk(variations, chunk) {
		var entries []string
		for i, v := range part {
			entries = append(entries, withField(fmt.Sprintf(`"name":"e%d","source":"./none"`, i), v))
		}
		all = append(all, market(fmt.Sprintf("entries-%d", len(all)), entries))
	}
	return all
}

// manifestCases vary one field of plugin.json each, or its JSON.
func manifestCases() (all []ownCase) {
	var texts []string
	for _, v := range fieldVariations() {
		texts = append(texts, withField(`"name":"tool","version":"1","description":"d","author":{"name":"A"}`, v))
	}
	texts = append(texts, jsonVariations()...)
	texts = append(texts, nameVariations()...)
	for part := range slices.Chunk(texts, chunk) {
		var entries []string
		files := map[string]string{}
		for i, text := range part {
			dir := fmt.Sprintf("p%d/", i)
			entries = append(entries, fmt.Sprintf(`{"name":"e%d","source":"./p%d"}`, i, i))
			files[dir+pluginFile] = text
			for _, f := range []string{"x.md", "x.json", "d/SKILL.md", "a b.md"} {
				files[dir+f] = "x"
			}
		}
		c := market(fmt.Sprintf("manifests-%d", len(all)), entries)
		for name, text := range files {
			c.Files[name] = text
		}
		all = append(all, c)
	}
	return all
}

// withField adds a field to an object's others; one of the same name wins.
func withField(others, field string) string {
	if field == "" {
		return "{" + others + "}"
	}
	return "{" + others + "," + field + "}"
}

func market(id string, entries []string) ownCase {
	return ownCase{ID: id, Files: map[string]string{
		marketFile: `{"name":"tools","owner":{"name":"A"},"description":"d","plugins":[` + strings.Join(entries, ",\n") + "]}",
	}}
}

// anything is a value of every type and at every boundary.
var anything = []string{
	`null`, `true`, `false`, `0`, `1`, `-1`, `1.5`, `1e400`, `""`, `" "`, `"x"`, `"./x"`, `"./x.md"`, `"./x.json"`, `"./d"`, `"./d/"`,
	`"./"`, `"."`, `".."`, `"/x"`, `"x.md"`, `"./none"`, `"./../x"`, `"./a..b"`, `[]`, `[null]`, `[1]`, `["x"]`, `[""]`, `["./x.md"]`,
	`["./x.json"]`, `["./d"]`, `["./none","./x.md"]`, `[["./x.md"]]`, `[{}]`, `{}`, `{"a":null}`, `{"a":"b"}`, `{"a":1}`, `{"a":{}}`, `{"a":[]}`,
}

var anyField = strings.Fields(`$schema displayName version description author homepage repository license keywords defaultEnabled
	dependencies settings commands agents skills hooks mcpServers lspServers outputStyles workflows themes monitors userConfig
	channels experimental`)

func fieldVariations() (all []string) {
	for _, f := range anyField {
		for _, v := range anything {
			all = append(all, fmt.Sprintf("%q:%s", f, v))
		}
	}
	for _, form := range forms {
		for _, v := range form.values {
			all = append(all, replaceHole(form.around, v))
		}
	}
	return append(all, unknownFields()...)
}

// unknownFields are near and far from those that are known.
func unknownFields() (all []string) {
	for _, f := range strings.Fields(`Name NAME names descripton versions Version authors autor homepages home repo licence licens keyword
		tag skil skill agent hook mcp mcpserver mcp_servers lspServer command comands outputstyle output-styles theme monitor
		userconfig channel setting dependency deps requires id metadata headers headersHelper strict source category tags relevance
		icon main scripts prompts engines files bin type private publisher activationEvents contributes tools resources server
		dxt_version privacy_policies support compatibility bugs contributors preview peerDependencies devDependencies exports module
		browser types workspaces funding os cpu sideEffects packageManager manifest_version display_name long_description screenshots
		documentation user_config galleryBanner qna badges extensionPack categories capabilities permissions minVersion
		constructor toString hasOwnProperty __proto__x _ $ a ab abc abcd experimentals evals features packs entry entries`) {
		all = append(all, fmt.Sprintf("%q:%s", f, "1"))
	}
	for _, f := range []string{"é", "a.b", "a[0]", "__proto__"} {
		b, _ := json.Marshal(f)
		all = append(all, string(b)+":1")
	}
	return all
}

// form is a value with a hole in it and what is put there.
type form struct {
	around string
	values []string
}
