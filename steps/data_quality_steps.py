"""The quality of the recording index: its storage path, its documents, and the metadata in them."""

from behave import then, when
from hamcrest import assert_that

from support.checks import index_documents, passwords, recording_index, sampling
from support.data_quality.index import DataQuality
from support.gherkin.words import register_choice

register_choice(
    IndexSource={
        "where the recordings are stored": DataQuality.storage_path,
        "how recordings can be looked up": DataQuality.lookups,
        "how a search by time is answered": DataQuality.search,
        "all documents of the recording index at one moment": DataQuality.snapshot,
        "the commands that made the recordings": DataQuality.commands,
        "the metadata of the newest recordings": DataQuality.newest,
        "the metadata of the live fibre": DataQuality.live_fibre,
    },
    StorageFact={
        "an entry for the storage path": recording_index.has_an_entry,
        "a collection of recordings behind the entry": recording_index.has_its_collection,
        "no second entry for the storage path": recording_index.has_no_second_entry,
    },
    LookupField=recording_index.FIELDS,
    RecordingFact=index_documents.RECORDING_FACTS,
    Defect={
        "recording that is stale": index_documents.no_recording_is_stale,
        "document that is invalid": index_documents.no_document_is_invalid,
        "uuid that two recordings share": index_documents.every_uuid_is_its_own,
        "uuid that could be given to two recordings": recording_index.admits_each_uuid_once,
        "command that carries a password": passwords.no_command_carries_a_password,
    },
    SamplingFact={
        "an allowed data type": sampling.names_an_allowed_type,
        "how the fibre was sampled": sampling.describes_the_sampling,
        "samples and channels that agree": sampling.agrees_on_samples_and_channels,
    },
)


@when("the operator reads {source:IndexSource}")
def read(context, source):
    context.read = source(context.world.recordings.quality)


@then("the recording index has {fact:StorageFact}")
def index_has(context, fact):
    assert_that(context.read, fact())


@then("recordings can be looked up by their {field:LookupField}")
def can_be_looked_up(context, field):
    assert_that(context.read, recording_index.has_an_index_by(field))


@then("they are found without reading every document")
def uses_an_index(context):
    assert_that(context.read, recording_index.uses_an_index())


@then("every recording {fact:RecordingFact}")
def every_recording(context, fact):
    assert_that(context.read, index_documents.every_recording(fact))


@then("there is no {defect:Defect}")
def there_is_no(context, defect):
    assert_that(context.read, defect())


@then("neighbouring recordings overlap no longer than allowed")
def overlaps_little(context):
    limit_s = context.world.limits.recording_overlap_s
    assert_that(context.read, index_documents.neighbours_overlap_at_most(limit_s))


@then("each document is historical, live, stale, deleted or invalid, and nothing else besides")
def one_class_each(context):
    assert_that(context.read, index_documents.every_document_has_one_class())


@then("every unrecognised recording tells its folder, its number of files and its last update")
def every_folder_is_described(context):
    assert_that(context.read, index_documents.every_folder_is_described())


@then("the share of recognised recordings is large enough")
def recognises_enough(context):
    wanted = context.world.limits.recognition_rate
    assert_that(context.read, index_documents.recognises_at_least(wanted))


@then("the answer carries no password")
def answer_carries_no_password(context):
    assert_that(context.attempt.answer, passwords.carries_no_password())


@then("the metadata tell {fact:SamplingFact}")
def metadata_tell(context, fact):
    assert_that(context.read, fact())
