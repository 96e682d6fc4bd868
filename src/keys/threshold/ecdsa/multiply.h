/*
 * Multiplication of two parties' numbers into shares of the products: the random vector oblivious linear evaluation of
 * DKLs23.
 *
 * Bob has a random b = Σ β_j·g_j, made of his 512 choices β and a public vector g; Alice has two numbers a_1, a_2.
 * After an extension with Bob as receiver and one message from Alice, she has c_i and he d_i with c_i + d_i = a_i·b.
 * Alice adds a third, random number to hers; a linear combination of the three, with coefficients from the hash of her
 * message, lets Bob check that she used the same numbers in every transfer. 512 = 256 + 2·128: what a cheating Alice
 * learns of β by guessing leaves b uniform, up to 2^-128. Memory: plain structs that the caller keeps in secret memory.
 * Errors: STATUS_UNAUTHORIZED "multiply.check", "scalar.range". Source: Doerner, Kondi, Lee, shelat: ePrint 2023/765,
 * §5, with ξ = 512, ℓ = 2, ρ = 1.
 */
#ifndef GATEHOUSE_KEYS_THRESHOLD_ECDSA_MULTIPLY_H
#define GATEHOUSE_KEYS_THRESHOLD_ECDSA_MULTIPLY_H

#include "keys/threshold/ecdsa/extension.h"
#include "keys/threshold/scalar.h"

constexpr size_t MULTIPLY_INPUTS = 2;
constexpr size_t MULTIPLY_WIDTH = MULTIPLY_INPUTS + 1;

struct multiply_message {
	uint8_t masked[EXTENSION_ROWS][MULTIPLY_WIDTH][SCALAR_SIZE];
	uint8_t eta[SCALAR_SIZE];
	uint8_t mu[32];
};

/* Bob's number. */
struct scalar multiply_input(const uint8_t choices[EXTENSION_ROWS / 8]);
/* Alice. message is written in full. */
enum status multiply_send(struct oblivious *oblivious, const struct hash256 *context,
			  const extension_row rows[EXTENSION_ROWS], const uint8_t delta[OT_KAPPA / 8],
			  const struct scalar inputs[MULTIPLY_INPUTS], const struct randomness *randomness,
			  struct multiply_message *message, struct scalar shares[MULTIPLY_INPUTS]);
/* Bob. */
enum status multiply_receive(struct oblivious *oblivious, const struct hash256 *context,
			     const extension_row rows[EXTENSION_ROWS], const uint8_t choices[EXTENSION_ROWS / 8],
			     const struct multiply_message *message, struct scalar shares[MULTIPLY_INPUTS]);

#endif
