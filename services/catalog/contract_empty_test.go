package catalog_test

import (
	"testing"

	"github.com/plugpack/plugpack/libs/testkit/contract"
)

// TestContractOfTheProgramReplaced asks what its users ask of an empty catalog,
// by addresses with and without the last slash.
func TestContractOfTheProgramReplaced(t *testing.T) {
	t.Parallel()
	contract.OfTheProgramReplaced(t, start(t, 1).server.Config.Handler)
}
