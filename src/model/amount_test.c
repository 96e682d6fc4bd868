#include "tests/test.h"
#include "model/amount.h"

/* Computed with Python's integers; null where the result leaves 256 bits. */
static const struct {
	const char *a, *b, *sum, *difference, *product, *quotient_up;
} KNOWN[] = {
	{"1", "1", "2", "0", "1", "1"},
	{"15662305406710239867", "1", "15662305406710239868", "15662305406710239866", "15662305406710239867",
	 "15662305406710239867"},
	{"10788984085900564947", "15412233974217327415", "26201218060117892362", nullptr,
	 "166282347076006763483811817104971122005", "1"},
	{"32022994100609945668", "7875232194073162639", "39898226294683108307", "24147761906536783029",
	 "252188514091738405918306490726717497852", "5"},
	{"121177751717953112127607136890449430520", "9882556146807954385", "121177751717953112137489693037257384905",
	 "121177751717953112117724580743641476135", "1197545935096625682661472547118071214095559857929386830200",
	 "12261782267444367665"},
	{"340186678724069431363231403626908469584", "273474540041573788854609172151968750995",
	 "613661218765643220217840575778877220579", "66712138682495642508622231474939718589",
	 "93032395492335523822546509938703396589592107995809864879311417543867427236080", "2"},
	{"173226675999225848803417014316066886106", "658688554243200984172542811587365016826",
	 "831915230242426832975959825903431902932", nullptr,
	 "114102428770285477555695310804913587859853283535509717876797393405792115619556", "1"},
	{"3310825019321838804546930322540996655372866846593827437423", "17799150005893729465",
	 "3310825019321838804546930322540996655390665996599721166888",
	 "3310825019321838804546930322540996655355067696587933707958",
	 "58929871162175414127787810530794199835741788590788039528099266105065378768695",
	 "186010288032043355395023893539403714203"},
	{"1424222845340688007982356011147326797641188447989704059354857", "836689831457995958892975602640",
	 "1424222845340688007982356011148163487472646443948597034957497",
	 "1424222845340688007982356011146490107809730452030811083752217", nullptr, "1702211251759652536633114217358"},
	{"29536633706208436351529878200823930735198877020445001604874447774412130391416", "2",
	 "29536633706208436351529878200823930735198877020445001604874447774412130391418",
	 "29536633706208436351529878200823930735198877020445001604874447774412130391414",
	 "59073267412416872703059756401647861470397754040890003209748895548824260782832",
	 "14768316853104218175764939100411965367599438510222500802437223887206065195708"},
	{"103468515231592424894684324355405147893428027850899309787236610553563168685130", "1",
	 "103468515231592424894684324355405147893428027850899309787236610553563168685131",
	 "103468515231592424894684324355405147893428027850899309787236610553563168685129",
	 "103468515231592424894684324355405147893428027850899309787236610553563168685130",
	 "103468515231592424894684324355405147893428027850899309787236610553563168685130"},
	{"100073952133260529076752835693915582982282440565129942707011956626566397064516",
	 "293284737671582668906149080149244307132",
	 "100073952133260529076752835693915582982575725302801525375918105706715641371648",
	 "100073952133260529076752835693915582981989155827458360038105807546417152757384", nullptr,
	 "341217728981595847482501765158712458164"},
	{"104197074002956969730110520183686522060264788171796357631253339102593767524319",
	 "4707209693312834779053997911495461936443212968005544976652",
	 "104197074002956969734817729876999356839318786083291819567696552070599312500971",
	 "104197074002956969725403310490373687281210790260300895694810126134588222547667", nullptr,
	 "22135634652304021196"},
	{"92195542223981069737335036535694786327453915472705555667319823201885739912563",
	 "49256496140620614435310070905788577740461749520327631065495855802826689791710", nullptr,
	 "42939046083360455302024965629906208586992165952377924601823967399059050120853", nullptr, "2"},
	{"76293705998577331852438231483892081729411873199659643273536921605815978499714",
	 "101514481810838079926135472317285257422499621628212654595308007425336905603896", nullptr, nullptr, nullptr,
	 "1"},
	{"603315210091972818339397481238602107334",
	 "58388023713098180808631285511653221344566431744227572852018242116134064223322",
	 "58388023713098180808631285511653221345169746954319545670357639597372666330656", nullptr, nullptr, "1"},
	{"115792089237316195423570985008687907853269984665640564039457584007913129639935",
	 "115792089237316195423570985008687907853269984665640564039457584007913129639935", nullptr, "0", nullptr, "1"},
	{"115792089237316195423570985008687907853269984665640564039457584007913129639935", "1", nullptr,
	 "115792089237316195423570985008687907853269984665640564039457584007913129639934",
	 "115792089237316195423570985008687907853269984665640564039457584007913129639935",
	 "115792089237316195423570985008687907853269984665640564039457584007913129639935"},
	{"0", "5", "5", nullptr, "0", "0"},
	{"340282366920938463463374607431768211456", "340282366920938463463374607431768211456",
	 "680564733841876926926749214863536422912", "0", nullptr, "1"},
	{"340282366920938463463374607431768211455", "340282366920938463463374607431768211457",
	 "680564733841876926926749214863536422912", nullptr,
	 "115792089237316195423570985008687907853269984665640564039457584007913129639935", "1"},
	{"100000000000000000000000000000000000000000000000000000000000000000000000000000",
	 "100000000000000000000000000000000000000000000000000000000000000000000000000000", nullptr, "0", nullptr, "1"},
	{"18446744073709551616", "18446744073709551615", "36893488147419103231", "1",
	 "340282366920938463444927863358058659840", "2"},
	{"115792089237316195423570985008687907853269984665640564039457584007913129639935",
	 "57896044618658097711785492504343953926634992332820282019728792003956564819968", nullptr,
	 "57896044618658097711785492504343953926634992332820282019728792003956564819967", nullptr, "2"},
};

static struct amount
amount(const char *text) {
	struct amount amount;
	assert_ok(amount_parse(bytes_of_text(text), &amount));
	return amount;
}

static void
assert_amount(const char *expected, bool fits, const struct amount *actual) {
	assert_int_equal(expected != nullptr, fits);
	if (expected == nullptr)
		return;
	char text[AMOUNT_TEXT_SIZE];
	amount_format(actual, text);
	assert_string_equal(expected, text);
}

static void
arithmetic_agrees_with_known_answers(void **) {
	for (size_t i = 0; i < ARRAY_LENGTH(KNOWN); i++) {
		struct amount a = amount(KNOWN[i].a), b = amount(KNOWN[i].b), result;
		assert_amount(KNOWN[i].a, true, &a);
		bool fits = amount_add(&a, &b, &result);
		assert_amount(KNOWN[i].sum, fits, &result);
		fits = amount_subtract(&a, &b, &result);
		assert_amount(KNOWN[i].difference, fits, &result);
		fits = amount_multiply(&a, &b, &result);
		assert_amount(KNOWN[i].product, fits, &result);
		result = amount_divide_up(&a, &b);
		assert_amount(KNOWN[i].quotient_up, true, &result);
		uint64_t small;
		if (amount_fits_u64(&b, &small)) {
			fits = amount_multiply_u64(&a, small, &result);
			assert_amount(KNOWN[i].product, fits, &result);
		}
	}
}

static uint64_t random_state = 0x9e3779b97f4a7c15;

static uint64_t
next_random(void) { /* xorshift64*: any spread of bits will do */
	random_state ^= random_state >> 12;
	random_state ^= random_state << 25;
	random_state ^= random_state >> 27;
	return random_state * UINT64_C(2685821657736338717);
}

static struct amount
random_amount(void) {
	struct amount amount = {};
	size_t limbs = next_random() % 5;
	for (size_t i = 0; i < limbs; i++)
		amount.limbs[i] = next_random() % 8 == 0 ? UINT64_MAX : next_random() >> (next_random() % 64);
	return amount;
}

static void
results_may_be_written_over_operands(void **) {
	for (int round = 0; round < 2000; round++) {
		struct amount a = random_amount(), b = random_amount(), apart, over = a;
		bool fits = amount_add(&a, &b, &apart);
		assert_int_equal(fits, amount_add(&over, &b, &over));
		assert_int_equal(0, amount_compare(&apart, &over));
		over = b;
		fits = amount_multiply(&a, &b, &apart);
		assert_int_equal(fits, amount_multiply(&a, &over, &over));
		assert_int_equal(0, amount_compare(&apart, &over));
		over = b;
		fits = amount_subtract(&a, &b, &apart);
		assert_int_equal(fits, amount_subtract(&a, &over, &over));
		assert_int_equal(0, amount_compare(&apart, &over));
	}
}

static void
a_quotient_rounded_up_is_the_least_that_covers(void **) {
	for (int round = 0; round < 2000; round++) {
		struct amount a = random_amount(), divisor = random_amount(), product, smaller;
		if (amount_is_zero(&divisor))
			continue;
		struct amount quotient = amount_divide_up(&a, &divisor), one = amount_of(1);
		if (amount_multiply(&quotient, &divisor, &product)) /* else it is above every amount */
			assert_true(amount_compare(&product, &a) >= 0);
		if (amount_is_zero(&quotient)) {
			assert_true(amount_is_zero(&a));
			continue;
		}
		assert_true(amount_subtract(&quotient, &one, &smaller));
		assert_true(amount_multiply(&smaller, &divisor, &product));
		assert_true(amount_compare(&product, &a) < 0);
	}
}

static void
addition_and_subtraction_undo_each_other(void **) {
	for (int round = 0; round < 2000; round++) {
		struct amount a = random_amount(), b = random_amount(), sum, back;
		if (!amount_add(&a, &b, &sum))
			continue;
		assert_true(amount_subtract(&sum, &b, &back));
		assert_int_equal(0, amount_compare(&a, &back));
	}
}

static void
text_and_bytes_come_back_the_same(void **) {
	for (int round = 0; round < 2000; round++) {
		struct amount a = random_amount(), back;
		char text[AMOUNT_TEXT_SIZE];
		uint8_t bytes[32];
		amount_format(&a, text);
		assert_ok(amount_parse(bytes_of_text(text), &back));
		assert_int_equal(0, amount_compare(&a, &back));
		amount_to_big_endian(&a, bytes);
		assert_ok(amount_from_big_endian(BYTES_OF_ARRAY(bytes), &back));
		assert_int_equal(0, amount_compare(&a, &back));
	}
}

static void
short_big_endian_bytes_are_right_aligned(void **) {
	struct amount read;
	assert_ok(amount_from_big_endian(BYTES_OF_LITERAL("\x01\x00"), &read));
	assert_int_equal(256, read.limbs[0]);
	assert_ok(amount_from_big_endian(BYTES_OF_LITERAL(""), &read));
	assert_true(amount_is_zero(&read));
	static const uint8_t too_long[33] = {};
	assert_fails(STATUS_TOO_LARGE, "amount.size", amount_from_big_endian(BYTES_OF_ARRAY(too_long), &read));
}

static void
bad_decimal_is_refused_by_name(void **) {
	static const struct {
		const char *text;
		enum status status;
		const char *name;
	} cases[] = {
		{"", STATUS_INVALID, "amount.syntax"},
		{"-1", STATUS_INVALID, "amount.syntax"},
		{"+1", STATUS_INVALID, "amount.syntax"},
		{"1.0", STATUS_INVALID, "amount.syntax"},
		{"1e3", STATUS_INVALID, "amount.syntax"},
		{" 1", STATUS_INVALID, "amount.syntax"},
		{"0x1", STATUS_INVALID, "amount.syntax"},
		{"00", STATUS_INVALID, "amount.leading_zero"},
		{"01", STATUS_INVALID, "amount.leading_zero"},
		{"115792089237316195423570985008687907853269984665640564039457584007913129639936", STATUS_TOO_LARGE,
		 "amount.range"},
		{"999999999999999999999999999999999999999999999999999999999999999999999999999999", STATUS_TOO_LARGE,
		 "amount.range"},
		{"1157920892373161954235709850086879078532699846656405640394575840079131296399350", STATUS_TOO_LARGE,
		 "amount.range"},
	};
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		struct amount amount;
		assert_fails(cases[i].status, cases[i].name, amount_parse(bytes_of_text(cases[i].text), &amount));
	}
}

static void
usd_cents_round_up_and_never_wrap(void **) {
	static const struct {
		const char *amount;
		uint64_t price_microcents;
		unsigned decimals;
		int64_t cents; /* below 0: does not fit */
	} cases[] = {
		{"0", UINT64_C(1000000), 18, 0},
		{"1", UINT64_C(1), 18, 1},
		{"1000000000000000000", UINT64_C(250000000000), 18, 250000},
		{"1000000000000000001", UINT64_C(250000000000), 18, 250001},
		{"123456789", UINT64_C(987654321000000), 8, 1219326312},
		{"115792089237316195423570985008687907853269984665640564039457584007913129639935", UINT64_C(1), 77, 1},
		{"115792089237316195423570985008687907853269984665640564039457584007913129639935",
		 UINT64_C(18446744073709551615), 78, 2135987035921},
		{"115792089237316195423570985008687907853269984665640564039457584007913129639935",
		 UINT64_C(18446744073709551615), 255, 1},
		{"1000000", UINT64_C(100000000), 6, 100},
		{"999999", UINT64_C(100000000), 6, 100},
		{"1", UINT64_C(1), 0, 1},
		{"1000000", UINT64_C(1), 0, 1},
		{"1000001", UINT64_C(1), 0, 2},
		{"9007199254740991", UINT64_C(1000000), 0, 9007199254740991},
		{"9007199254740992", UINT64_C(1000000), 0, -1},
		{"115792089237316195423570985008687907853269984665640564039457584007913129639935",
		 UINT64_C(18446744073709551615), 0, -1},
		{"18446744073709551616000000", UINT64_C(1), 0, -1},
		{"184467440737095516160000000000000000000000000", UINT64_C(1), 19, -1},
	};
	for (size_t i = 0; i < ARRAY_LENGTH(cases); i++) {
		struct amount a = amount(cases[i].amount);
		int64_t cents = -1;
		bool fits = amount_usd_cents(&a, cases[i].price_microcents, cases[i].decimals, &cents);
		assert_int_equal(cases[i].cents >= 0, fits);
		if (fits)
			assert_int_equal(cases[i].cents, cents);
	}
}

RUN_TESTS(T(arithmetic_agrees_with_known_answers), T(results_may_be_written_over_operands),
	  T(a_quotient_rounded_up_is_the_least_that_covers), T(addition_and_subtraction_undo_each_other),
	  T(text_and_bytes_come_back_the_same), T(short_big_endian_bytes_are_right_aligned),
	  T(bad_decimal_is_refused_by_name), T(usd_cents_round_up_and_never_wrap))
