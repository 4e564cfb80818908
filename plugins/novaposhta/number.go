package main

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/crosswalk-etl/crosswalk/plugins/sdk/outbound"
)

// maxBranchText bounds a branch's text, in runes.
const maxBranchText = 1000

// The types of branches.
const (
	anyBranch  = ""
	branchType = "branch"
	lockerType = "locker"
)

// What a branch's text is read with, in lower case and without weights. Between the
// word and its number stand the vendor's name and signs only, so that a house's
// number is not taken for a branch's.
const (
	branchNumber = `(?:№|#|n[o°]?\.?|номер|ном\.)?[ ]*([0-9]+)`
	vendorName   = `(?:[ "«»“”().-]|нов[а-яіїє]+|пошт[а-яіїє]+|почт[а-яіїє]+|nova|poshta|нп|приймання|видачі|приема|выдачи|вантажне|грузовое)*`
)

var (
	weight  = regexp.MustCompile(`\([^()]*[0-9][ ]*кг[^()]*\)|до[ ]+[0-9]+[ ]*кг`)
	worded  = regexp.MustCompile(`(відділення|отделение|отделения|відд\.|отд\.|пункт|склад|branch|warehouse|поштомат|почтомат|postomat|parcel locker|locker)` + vendorName + branchNumber)
	ordinal = regexp.MustCompile(`(?:^|[,;:(]|пошта|почта|нп)[ ]*([0-9]+)(?:-?[а-яіїє]{1,2})?[ ]+(відділення|отделение|поштомат|почтомат)`)
	signed  = regexp.MustCompile(`(?:№|#)[ ]*([0-9]+)`)
	bare    = regexp.MustCompile(`^` + branchNumber + `$`)
	vendor  = regexp.MustCompile(`^(?:№|#)|нов[а-яіїє]+ по[чш]т|nova poshta|(?:^|[ ,;])нп(?:[ ,;.№]|$)`)
)

// branchName is what a text says of a branch.
type branchName struct {
	number string // digits without leading zeros
	kind   string // branchType, lockerType, or anyBranch where no word tells
}

// parseBranch reads a branch as shops write it: "Відділення №2: вул. …",
// "Отделение №13 (до 30 кг на одно место)", "Поштомат №43950", "№5", "5". It fails
// where there is no number in it, or several that may be meant.
func parseBranch(s string) (branchName, error) {
	s = clean(s)
	if utf8.RuneCountInString(s) > maxBranchText {
		return branchName{}, fmt.Errorf("a branch's text is not longer than %d characters", maxBranchText)
	}
	lower := strings.TrimSpace(weight.ReplaceAllString(strings.ToLower(s), " "))
	found := numbersIn(lower)
	for i := range found {
		found[i].number = trimZeros(found[i].number)
	}
	switch found = slices.Compact(found); {
	case len(found) == 0:
		return branchName{}, fmt.Errorf("%q holds no number of a branch, such as \"Відділення №2\" or \"Поштомат №43950\"", outbound.Shorten(s))
	case len(found) > 1:
		return branchName{}, fmt.Errorf("%q holds several numbers of branches: %s and %s", outbound.Shorten(s), found[0].number, found[1].number)
	case len(found[0].number) > 8:
		return branchName{}, fmt.Errorf("%s is no number of a branch: it has more than 8 digits", outbound.Shorten(found[0].number))
	}
	return found[0], nil
}

// numbersIn gives the numbers that may be a branch's, by the surest way of writing
// one that the text holds.
func numbersIn(lower string) []branchName {
	// The vendor's own texts have the address after a colon.
	if before, _, ok := strings.Cut(lower, ":"); ok {
		if m := worded.FindStringSubmatch(before); m != nil {
			return []branchName{{m[2], wordType(m[1])}}
		}
	}
	var found []branchName
	for _, m := range worded.FindAllStringSubmatch(lower, -1) {
		found = append(found, branchName{m[2], wordType(m[1])})
	}
	if len(found) > 0 {
		return found
	}
	for _, m := range ordinal.FindAllStringSubmatch(lower, -1) {
		found = append(found, branchName{m[1], wordType(m[2])})
	}
	if len(found) > 0 {
		return found
	}
	if m := bare.FindStringSubmatch(lower); m != nil {
		return []branchName{{m[1], anyBranch}}
	}
	if kind := typeIn(lower); kind != anyBranch || vendor.MatchString(lower) {
		for _, m := range signed.FindAllStringSubmatch(lower, -1) {
			found = append(found, branchName{m[1], kind})
		}
	}
	return found
}

func wordType(word string) string {
	switch word {
	case "поштомат", "почтомат", "postomat", "parcel locker", "locker":
		return lockerType
	}
	return branchType
}

// typeIn tells the type where a word for one stands anywhere in a text.
func typeIn(lower string) string {
	for _, w := range []string{"поштомат", "почтомат", "postomat", "locker"} {
		if strings.Contains(lower, w) {
			return lockerType
		}
	}
	for _, w := range []string{"відділення", "отделение"} {
		if strings.Contains(lower, w) {
			return branchType
		}
	}
	return anyBranch
}

func trimZeros(digits string) string {
	if t := strings.TrimLeft(digits, "0"); t != "" {
		return t
	}
	return "0"
}
