"""The phrase VAE: what must hold whatever its weights are, losses worked by hand, and that it can learn."""

from __future__ import annotations

import itertools
import math

import pytest
import torch

from phraseloom.events import DRUMS_HEADER, SILENT_HEADER, VOCABULARY, Attribute, PhraseTable
from phraseloom.models.layers import Attention, KeyValueCache, rotary_tables, rotate
from phraseloom.models.phrase_batch import PhraseBatch
from phraseloom.models.phrase_decoding import decode_phrases
from phraseloom.models.phrase_vae import PhraseVAE, PhraseVAEConfig, Posterior
from phraseloom.phrase_codec import song_phrases
from phraseloom.score import Notes
from phraseloom.training import phrase_infilling
from phraseloom.training.phrase_infilling import with_missing_spans
from phraseloom.training.phrase_vae_objective import PhraseVAELossSettings, PhraseVAEObjective
from support.songs import make_song

TINY = PhraseVAEConfig(
    width=32, num_heads=2, encoder_layers=1, decoder_layers=1, latent_size=13, num_query_tokens=2, num_memory_tokens=3
)


def tiny_network(seed: int = 0) -> PhraseVAE:
    torch.manual_seed(seed)
    return PhraseVAE(TINY).eval()


def some_phrases() -> PhraseTable:
    """Melody, bridge, piano and drums of three bars, silent ones among them."""
    return song_phrases(make_song(3, form="i1 A2", with_drums=True))


@pytest.fixture
def network() -> PhraseVAE:
    return tiny_network()


@pytest.fixture
def batch() -> PhraseBatch:
    return PhraseBatch.of(some_phrases())


def padded_with_rubbish(batch: PhraseBatch, num_more: int) -> PhraseBatch:
    """The same phrases with other steps behind their ends."""
    b, t, _ = batch.steps.shape
    steps = torch.randint(0, 90, (b, t + num_more, 4))
    is_note = torch.arange(t) < batch.num_notes[:, None]
    steps[:, :t][is_note] = batch.steps[is_note]
    return PhraseBatch(batch.headers, steps, batch.num_notes)


def test_posteriors_have_a_mean_and_a_variance_for_every_dimension(network, batch):
    posterior = network.encode(*batch)
    assert posterior.mean.shape == posterior.log_variance.shape == (len(batch.headers), TINY.latent_size)
    assert posterior.sample().shape == posterior.mean.shape
    assert posterior.mean.dtype == torch.float32


def test_log_variances_stay_between_minus_12_and_4(network, batch):
    with torch.no_grad():
        network.to_posterior.weight *= 1000
    log_variance = network.encode(*batch).log_variance
    assert (log_variance.min(), log_variance.max()) == (-12, 4)


@pytest.mark.parametrize(
    ("mean", "log_variance", "nats"),
    [(0.0, 0.0, 0.0), (2.0, 0.0, 2.0), (0.0, math.log(4), 1.5 - math.log(2)), (1.0, -2.0, 0.5 * (math.exp(-2) + 2))],
)
def test_divergence_by_hand(mean, log_variance, nats):
    posterior = Posterior(torch.tensor([[mean]]), torch.tensor([[log_variance]]))
    assert posterior.kl().item() == pytest.approx(nats, abs=1e-6)


def test_samples_have_the_posterior_s_mean_and_variance():
    torch.manual_seed(0)
    sample = Posterior(torch.full((20_000, 1), 3.0), torch.full((20_000, 1), math.log(0.25))).sample()
    assert sample.mean().item() == pytest.approx(3.0, abs=0.02)
    assert sample.std().item() == pytest.approx(0.5, abs=0.02)


def test_padding_changes_no_latent_and_no_loss(network, batch):
    rubbish = padded_with_rubbish(batch, num_more=7)
    latents = network.encode(*batch).mean
    clean = torch.zeros(len(latents))
    torch.testing.assert_close(network.encode(*rubbish).mean, latents)
    torch.testing.assert_close(network.losses(latents, clean, *rubbish), network.losses(latents, clean, *batch))


def test_a_phrase_s_latent_and_losses_do_not_depend_on_its_neighbours(network, batch):
    latents = network.encode(*batch).mean
    together = torch.stack(network.losses(latents, torch.zeros(len(latents)), *batch))
    alone = torch.zeros(5)
    for i in range(len(batch.headers)):
        one = PhraseBatch(*(part[i : i + 1] for part in batch))
        torch.testing.assert_close(network.encode(*one).mean, latents[i : i + 1])
        alone += torch.stack(network.losses(latents[i : i + 1], torch.zeros(1), *one))
    torch.testing.assert_close(together, alone)


def test_phrases_of_silence_alone_can_be_encoded(network):
    batch = PhraseBatch.of(PhraseTable.build([Notes.empty()] * 2, [SILENT_HEADER] * 2))
    assert batch.steps.shape == (2, 0, 4)
    posterior = network.encode(*batch)
    longer = network.encode(batch.headers, torch.zeros(2, 5, 4, dtype=torch.int64), batch.num_notes)
    torch.testing.assert_close(posterior, longer)


def decoder_tokens(network: PhraseVAE, batch: PhraseBatch) -> torch.Tensor:
    latents = network.encode(*batch).mean
    steps = network.embed_steps(batch.steps, network.tables())
    return torch.cat(
        [network.memory(latents, torch.zeros(len(latents))).tokens, network.embed_headers(batch.headers), steps], dim=1
    )


@torch.no_grad()
def test_step_by_step_with_a_cache_is_the_same_as_all_at_once(network, batch):
    tokens = decoder_tokens(network, batch)
    at_once = network.run_decoder(tokens, 0)
    num_leading = TINY.num_memory_tokens + 1
    caches = [KeyValueCache() for _ in network.decoder]
    states = [network.run_decoder(tokens[:, :num_leading], 0, caches)]
    for position in range(num_leading, tokens.shape[1]):
        states.append(network.run_decoder(tokens[:, position : position + 1], position, caches))
    stepwise = torch.cat(states, dim=1)
    torch.testing.assert_close(stepwise, at_once)
    for head, table in zip(network.heads, network.tables(), strict=True):
        torch.testing.assert_close(head(stepwise, table), head(at_once, table))


@torch.no_grad()
def test_the_last_state_alone_is_that_of_all_and_leaves_the_same_cache(network, batch):
    tokens = decoder_tokens(network, batch)
    caches, others = ([KeyValueCache() for _ in network.decoder] for _ in range(2))
    states = network.run_decoder(tokens[:, :-1], 0, caches)
    last = network.run_decoder(tokens[:, :-1], 0, others, last_only=True)
    torch.testing.assert_close(last, states[:, -1:])
    following = [network.run_decoder(tokens[:, -1:], tokens.shape[1] - 1, each) for each in (caches, others)]
    torch.testing.assert_close(*following)


@torch.no_grad()
def test_several_tokens_can_follow_a_cache(network, batch):
    tokens = decoder_tokens(network, batch)
    caches = [KeyValueCache() for _ in network.decoder]
    parts = [network.run_decoder(tokens[:, start : start + 5], start, caches) for start in range(0, tokens.shape[1], 5)]
    torch.testing.assert_close(torch.cat(parts, dim=1), network.run_decoder(tokens, 0))


@torch.no_grad()
def test_rows_that_leave_the_cache_do_not_change_the_others(network, batch):
    tokens = decoder_tokens(network, batch)
    kept = torch.tensor([1, 4, 5])
    caches = [KeyValueCache() for _ in network.decoder]
    network.run_decoder(tokens[:, :6], 0, caches)
    for cache in caches:
        cache.keep(kept)
    state = network.run_decoder(tokens[kept, 6:7], 6, caches)
    torch.testing.assert_close(state[:, 0], network.run_decoder(tokens, 0)[kept, 6])


@torch.no_grad()
def test_no_state_sees_the_notes_to_come(network, batch):
    tokens = decoder_tokens(network, batch)
    changed = tokens.clone()
    changed[:, 7:] = torch.randn_like(changed[:, 7:])
    before, after = network.run_decoder(tokens, 0), network.run_decoder(changed, 0)
    torch.testing.assert_close(after[:, :7], before[:, :7])
    assert not torch.isclose(after[:, 7:], before[:, 7:]).all(dim=-1).any()


@torch.no_grad()
def test_losses_of_a_network_that_knows_nothing_by_hand(network):
    """Zero vectors for all values give uniform distributions."""
    for parameter in (*network.embeddings.parameters(), *network.header_head.parameters()):
        parameter.zero_()
    chord = Notes.from_rows([(0, 12, 60, 80), (0, 12, 64, 80), (24, 12, 62, 80)])
    phrases = [chord, Notes.from_rows([(6, 1, 36, 80)]), Notes.empty()]
    batch = PhraseBatch.of(PhraseTable.build(phrases, [0, DRUMS_HEADER, SILENT_HEADER]))
    losses = network.losses(torch.zeros(3, TINY.latent_size), torch.zeros(3), *batch)
    assert losses.header.item() == pytest.approx(3 * math.log(130), rel=1e-5)
    assert losses.onset.item() == pytest.approx(((3 + 1) + (1 + 1)) * math.log(97), rel=1e-5)  # with each one's end
    assert losses.pitch.item() == pytest.approx(4 * math.log(128), rel=1e-5)
    assert losses.duration.item() == pytest.approx(4 * math.log(192), rel=1e-5)
    assert losses.velocity.item() == pytest.approx(4 * math.log(127), rel=1e-5)


def test_every_parameter_learns_from_a_batch(batch):
    network = tiny_network()
    loss, _ = PhraseVAEObjective(network, PhraseVAELossSettings(latent_noise=0.5))(batch)
    loss.backward()
    without = [name for name, parameter in network.named_parameters() if parameter.grad is None]
    unmoved = [
        name for name, parameter in network.named_parameters() if name not in without and not parameter.grad.any()
    ]
    assert without == unmoved == []


def test_the_objective_adds_its_terms_up(network, batch):
    objective = PhraseVAEObjective(network, PhraseVAELossSettings(kl_weight=0.5, velocity_weight=0.25)).eval()
    loss, terms = objective(batch)
    posterior = network.encode(*batch)
    losses = network.losses(posterior.mean, torch.zeros(len(posterior.mean)), *batch)
    num_phrases, num_notes = len(batch.headers), batch.num_notes.sum()
    assert terms.keys() == {*losses._fields, "kl"}
    for name in ("onset", "pitch", "duration", "velocity"):
        assert terms[name] == getattr(losses, name) / num_notes
    assert terms["header"] == losses.header / num_phrases
    torch.testing.assert_close(terms["kl"], posterior.kl().sum(dim=1).mean())
    nats = losses.header + losses.onset + losses.pitch + losses.duration + 0.25 * losses.velocity
    num_tokens = num_phrases * (5 + batch.steps.shape[1])
    torch.testing.assert_close(loss, (nats + 0.5 * posterior.kl().sum()) / num_tokens)
    assert not any(term.requires_grad for term in terms.values())


def test_a_note_weighs_the_same_in_phrases_of_every_length(network):
    """Batches of as many tokens: what a note costs moves the loss as much among short phrases as among long ones."""
    settings = PhraseVAELossSettings(kl_weight=0.0, velocity_weight=0.0)
    objective = PhraseVAEObjective(network, settings).eval()
    weights = []
    for num_phrases, num_steps in ((6, 5), (4, 10), (1, 55)):
        phrase = Notes.from_rows([(tick, 1, 60, 80) for tick in range(num_steps)])
        batch = PhraseBatch.of(PhraseTable.build([phrase] * num_phrases, [0] * num_phrases))
        loss, terms = objective(batch)
        per_phrase = terms["header"] + num_steps * (terms["onset"] + terms["pitch"] + terms["duration"])
        weights.append((loss / (num_phrases * per_phrase)).item())
    assert weights == pytest.approx([1 / 60] * 3)


def test_a_batch_of_silence_has_a_loss(network):
    batch = PhraseBatch.of(PhraseTable.build([Notes.empty()] * 2, [SILENT_HEADER] * 2), num_steps=1)
    loss, terms = PhraseVAEObjective(network, PhraseVAELossSettings()).eval()(batch)
    assert loss.isfinite()
    assert all(term.isfinite() for term in terms.values())


def test_latents_are_drawn_in_training_and_means_in_evaluation(network, batch):
    objective = PhraseVAEObjective(network, PhraseVAELossSettings())
    assert objective.eval()(batch)[0] == objective(batch)[0]
    assert objective.train()(batch)[0] != objective(batch)[0]


@pytest.mark.parametrize(
    ("step", "expected"), [(0, "open"), (1, "open"), (2, "queries"), (4, "queries"), (5, "gaussian")]
)
def test_the_bottleneck_narrows_in_the_course_of_a_run(step, expected):
    settings = PhraseVAELossSettings(infilling_steps=2, autoencoder_steps=3)
    assert settings.bottleneck_at(step) == expected
    assert settings.begins_without_latent
    assert PhraseVAELossSettings().bottleneck_at(step) == "gaussian"


@pytest.mark.parametrize("step", [0, 1])
def test_encoder_and_decoder_learn_before_there_is_a_latent(step, batch):
    network = tiny_network()
    objective = PhraseVAEObjective(network, PhraseVAELossSettings(infilling_steps=1, autoencoder_steps=1))
    objective.step = step
    loss, terms = objective(batch)
    loss.backward()
    without = {name.partition(".")[0] for name, own in network.named_parameters() if own.grad is None}
    assert without == {"to_posterior", "from_latent", "noise_embedding", "header_head"}
    assert terms["kl"] == terms["header"] == 0


def test_an_open_decoder_sees_notes_and_no_padding(network, batch):
    """What lies behind the end of a phrase does not matter, and a note that the encoder saw does."""
    padded = padded_with_rubbish(batch, 3)
    losses = network.losses_of_memory(network.open_memory(*batch), *batch)
    torch.testing.assert_close(network.losses_of_memory(network.open_memory(*padded), *padded), losses)
    moved = batch.steps.clone()
    moved[:, 0, Attribute.PITCH] += 1
    other = network.losses_of_memory(network.open_memory(batch.headers, moved, batch.num_notes), *batch)
    assert other.pitch != losses.pitch


def test_missing_spans_are_one_symbol_each():
    torch.manual_seed(0)
    steps = torch.randint(0, 90, (400, 40, 4))
    num_notes = torch.randint(0, 41, (400,))
    shown, num_shown = with_missing_spans(steps, num_notes)
    num_spans = num_left = 0
    for before, after, n, m in zip(steps, shown, num_notes, num_shown, strict=True):
        own, left = before[:n].tolist(), after[:m].tolist()
        is_symbol = [step[0] == VOCABULARY.end_index for step in left]
        assert not any(first and second for first, second in itertools.pairwise(is_symbol))
        notes = [step for step, symbol in zip(left, is_symbol, strict=True) if not symbol]
        rest = iter(own)
        assert all(note in rest for note in notes)  # in their order
        num_spans, num_left = num_spans + sum(is_symbol), num_left + len(notes)
    assert 1 - num_left / num_notes.sum() == pytest.approx(0.28, abs=0.03)  # less than 30 % near the first notes
    assert num_spans > 500


def test_phrases_of_which_nothing_is_missing_stay(monkeypatch):
    monkeypatch.setattr(phrase_infilling, "START_SHARE", 0.0)
    steps, num_notes = torch.randint(0, 90, (5, 7, 4)), torch.tensor([0, 1, 3, 6, 7])
    shown, num_shown = with_missing_spans(steps, num_notes)
    assert torch.equal(num_shown, num_notes)
    is_note = torch.arange(7) < num_notes[:, None]
    assert torch.equal(shown[is_note], steps[is_note])


def test_the_decoder_is_told_of_the_noise(network, batch):
    latents = network.encode(*batch).mean
    clean, noisy = (network.losses(latents, torch.full((len(latents),), noise), *batch) for noise in (0.0, 0.5))
    assert clean.header == noisy.header
    for told, otherwise in zip(clean[1:], noisy[1:], strict=True):
        assert told != otherwise


def test_phrases_that_were_learnt_come_back_note_for_note():
    """Encoder, losses and decoder speak of the same steps: a shift by one anywhere would be heard here."""
    melody = Notes.from_rows([(0, 12, 60, 80), (12, 6, 62, 76), (18, 30, 64, 70), (42, 24, 67, 90)])
    chords = Notes.from_rows([(24 * i, 20, pitch, 60) for i in (0, 1) for pitch in (48, 52, 55 + 2 * i)])
    beat = Notes.from_rows([(0, 3, 36, 100), (24, 3, 38, 110), (24, 3, 42, 90)])
    phrases = [melody, chords, Notes.empty(), beat]
    table = PhraseTable.build(phrases, [0, 25, SILENT_HEADER, DRUMS_HEADER])
    network, batch = tiny_network(), PhraseBatch.of(table)
    objective = PhraseVAEObjective(network, PhraseVAELossSettings(kl_weight=0.0, velocity_weight=1.0)).eval()
    optimiser = torch.optim.AdamW(network.parameters(), lr=1e-2)
    for _ in range(100):
        optimiser.zero_grad()
        objective(batch)[0].backward()
        optimiser.step()
    decoded = decode_phrases(network, network.encode(*batch).mean.detach(), ticks_per_bar=48)
    assert decoded.headers.tolist() == table.headers.tolist()
    assert [decoded.phrase(i) for i in range(len(phrases))] == phrases


def test_rotated_products_depend_on_distance_only():
    torch.manual_seed(0)
    query, key = torch.randn(8), torch.randn(8)
    cos, sin = rotary_tables(20, 8)
    queries, keys = rotate(query.expand(20, 8), cos, sin), rotate(key.expand(20, 8), cos, sin)
    products = queries @ keys.T
    for distance in (-3, 0, 5):
        diagonal = products.diagonal(distance)
        torch.testing.assert_close(diagonal, diagonal[:1].expand_as(diagonal))
    torch.testing.assert_close(queries.norm(dim=1), query.norm().expand(20))


def test_a_bias_hides_keys():
    torch.manual_seed(0)
    attention, x, rotary = Attention(16, 2), torch.randn(1, 5, 16), rotary_tables(5, 8)
    hidden = torch.tensor([0, 0, 0, -math.inf, -math.inf])
    three = attention(x[:, :3], tuple(table[:3] for table in rotary))
    torch.testing.assert_close(attention(x, rotary, hidden)[:, :3], three)


@pytest.mark.parametrize(("width", "num_heads"), [(32, 3), (12, 4)])
def test_widths_that_do_not_split_into_heads_are_refused(width, num_heads):
    with pytest.raises(ValueError, match=f"width {width} does not split into {num_heads} heads"):
        Attention(width, num_heads)


def test_attributes_are_chained(network, batch):
    """Each attribute's prediction knows those before it in its step, and none after it."""
    latents = network.encode(*batch).mean
    losses = network.losses(latents, torch.zeros(len(latents)), *batch)
    last = torch.arange(batch.steps.shape[1]) == batch.num_notes[:, None] - 1
    for attribute in (Attribute.PITCH, Attribute.DURATION, Attribute.VELOCITY):
        steps = batch.steps.clone()
        steps[..., attribute][last] += 1  # of every last note, so that no later step hears of it
        changed = network.losses(latents, torch.zeros(len(latents)), batch.headers, steps, batch.num_notes)
        names = ("onset", "pitch", "duration", "velocity")
        assert all(getattr(changed, name) == getattr(losses, name) for name in names[1:attribute])
        assert all(getattr(changed, name) != getattr(losses, name) for name in names[attribute:])
