"""The quality of the recording index: where it stands, what it holds, what it tells."""

from behave import then, when
from hamcrest import assert_that

from support.data_quality import document_checks, index_checks, metadata, passwords


@when("the storage path of the recordings is looked up")
def look_up_storage_path(context):
    context.storage_path = context.world.recordings.quality.storage_path()


@when("the ways to look up recordings are listed")
def list_lookups(context):
    context.lookups = context.world.recordings.quality.lookups()


@when("recordings are searched for by their time")
def search_by_time(context):
    context.search = context.world.recordings.quality.search()


@when("all documents of the recording index are read at one moment")
def read_documents(context):
    context.snapshot = context.world.recordings.quality.snapshot()


@when("the commands that made the recordings are read")
def read_commands(context):
    context.commands = context.world.recordings.quality.commands()


@when("the metadata of the newest recordings are read")
def read_newest(context):
    context.samplings = context.world.recordings.quality.newest()


@when("the metadata of the live fibre are read")
def read_live_fibre(context):
    context.samplings = context.world.recordings.quality.live_fibre()


@then("the recording index has an entry for it")
def has_an_entry(context):
    assert_that(context.storage_path, index_checks.has_an_entry())


@then("the entry leads to a collection of recordings")
def leads_to_a_collection(context):
    assert_that(context.storage_path, index_checks.has_its_collection())


@then("there is no second entry for it")
def has_no_second_entry(context):
    assert_that(context.storage_path, index_checks.has_no_second_entry())


@then("recordings can be looked up by their {field}")
def can_be_looked_up(context, field):
    assert_that(context.lookups, index_checks.has_an_index_by(field))


@then("no uuid can be given to two recordings")
def admits_each_uuid_once(context):
    assert_that(context.lookups, index_checks.admits_each_uuid_once())


@then("they are found without reading every document")
def uses_an_index(context):
    assert_that(context.search, index_checks.uses_an_index())


@then("every recording has {part}")
def every_recording_has(context, part):
    assert_that(context.snapshot, document_checks.every_recording_has(part))


@then("every recording ends after it starts, unless it is still open")
def ends_after_it_starts(context):
    assert_that(context.snapshot, document_checks.every_recording_ends_after_it_starts())


@then("no two recordings share a uuid")
def every_uuid_is_its_own(context):
    assert_that(context.snapshot, document_checks.every_uuid_is_its_own())


@then("neighbouring recordings overlap no longer than allowed")
def overlaps_little(context):
    assert_that(context.snapshot, context.world.recordings.quality.overlaps_little())


@then("no recording is stale")
def no_recording_is_stale(context):
    assert_that(context.snapshot, document_checks.no_recording_is_stale())


@then("each document is historical, live, stale, deleted or invalid, and nothing else besides")
def one_class_each(context):
    assert_that(context.snapshot, document_checks.every_document_has_one_class())


@then("no document is invalid")
def no_document_is_invalid(context):
    assert_that(context.snapshot, document_checks.no_document_is_invalid())


@then("every unrecognised recording tells its folder, its number of files and its last update")
def every_folder_is_described(context):
    assert_that(context.snapshot, document_checks.every_folder_is_described())


@then("the share of recognised recordings is large enough")
def recognises_enough(context):
    assert_that(context.snapshot, context.world.recordings.quality.recognises_enough())


@then("no command carries a password")
def no_command_carries_a_password(context):
    assert_that(context.commands, passwords.no_command_carries_a_password())


@then("the answer carries no password")
def answer_carries_no_password(context):
    assert_that(context.attempt.answer, passwords.carries_no_password())


@then("they name an allowed data type")
def name_an_allowed_type(context):
    assert_that(context.samplings, metadata.names_an_allowed_type())


@then("they tell how it was sampled")
def describe_the_sampling(context):
    assert_that(context.samplings, metadata.describes_the_sampling())


@then("their samples and channels agree")
def agree_on_samples_and_channels(context):
    assert_that(context.samplings, metadata.agrees_on_samples_and_channels())
