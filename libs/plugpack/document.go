package plugpack

// Document is a text that a plugin brings for people.
type Document struct {
	Path  string `json:"path" example:"README.md"` // within the plugin; of one above it, with ../
	Bytes int64  `json:"bytes" example:"5120"`     // of the whole file
	Text  string `json:"text,omitempty" example:"# Deploy\n\nDeploys a service and watches it come up."`
	// Cut says that Text is only the beginning.
	Cut bool `json:"cut,omitempty"`
}

// LicenseFile is what a plugin's licence was found to be.
type LicenseFile struct {
	Path string `json:"path,omitempty" example:"LICENSE"`
	// SPDX is the licence's SPDX id, "" for a text that is no known licence.
	SPDX string `json:"spdx,omitempty" example:"MIT"`
	// By is how it was told: "file", "manifest" or "host".
	By string `json:"by" example:"file"`
}

// Documents are a plugin's texts for people.
type Documents struct {
	Readme    *Document    `json:"readme,omitempty"`
	License   *LicenseFile `json:"license,omitempty"`
	Changelog *Document    `json:"changelog,omitempty"`
}
