package quality

import "github.com/plugpack/plugpack/libs/plugpack"

// caps bound the overall score, whatever a plugin earns elsewhere. Those of
// time are plugpack.ActivityCaps.
var caps = []struct {
	plugpack.Cap
	holds func(f plugpack.Facts) bool
}{
	{plugpack.Cap{ID: "does-not-install", Max: 20, Reason: "No client can install it, or nothing of it loads."}, func(f plugpack.Facts) bool { return unusable(f.Verdicts) }},
	{plugpack.Cap{ID: "critical-finding", Max: 40, Reason: "The security scan has a critical finding of high confidence."}, criticalFinding},
	{plugpack.Cap{ID: "not-scanned", Max: 70, Reason: "Its files were not looked through for security signals."}, func(f plugpack.Facts) bool { return !looked(f.Security) }},
	{plugpack.Cap{ID: "fails-validate", Max: 75, Reason: "The client's own check of it fails."}, func(f plugpack.Facts) bool {
		return f.Verdicts != nil && f.Verdicts.Valid != nil && !*f.Verdicts.Valid
	}},
	{plugpack.Cap{ID: "partly-scanned", Max: 85, Reason: "Some of its files were not looked through for security signals."}, func(f plugpack.Facts) bool {
		return looked(f.Security) && f.Security.State != plugpack.Scanned
	}},
}

func capsOf(f plugpack.Facts) (held []plugpack.Cap) {
	for _, c := range caps {
		if c.holds(f) {
			held = append(held, c.Cap)
		}
	}
	return held
}

// Caps lists every cap, those of time too.
func Caps() (all []plugpack.Cap) {
	for _, c := range caps {
		all = append(all, c.Cap)
	}
	for _, m := range plugpack.Maintenances {
		if c, ok := plugpack.ActivityCaps[m]; ok {
			all = append(all, c)
		}
	}
	return all
}

func criticalFinding(f plugpack.Facts) bool {
	if f.Security == nil {
		return false
	}
	for _, found := range f.Security.Findings {
		if found.Severity == plugpack.Critical && found.Confidence == plugpack.High {
			return true
		}
	}
	return false
}

// looked says whether a scan saw files at all.
func looked(s *plugpack.Security) bool {
	return s != nil && (s.State == plugpack.Scanned || s.State == plugpack.PartlyScanned)
}
