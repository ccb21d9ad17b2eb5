@MD
Feature: The server loads its configuration when it starts
  As the one who delivers a change of the product I restart the server with its configuration
  and expect it to work at once. A configuration it cannot load must be named in its log,
  so that I find the mistake without searching for it.

  Rule: The server loads its configuration after a change of the product

    @MD-03a @disruptive
    Example: The restarted server is ready and has loaded everything
      When the server is restarted
      Then it is ready and answers within its deadline
      And it was not restarted again while it started
      And its log tells of no error since it started

    @MD-03c @disruptive
    Example: Live and recorded data can be watched with the configuration just loaded
      Given a server that was just restarted
      And a connected fibre
      And an open investigation
      When a client opens a historic investigation over recorded data
      Then a job for it is running within its deadline

  Rule: A configuration that cannot be loaded is named

    @MD-03d @negative @disruptive @needs_server_configuration
    Example: The log names the mistake, and the server works again once it is mended
      When the server is started with a broken configuration, which is then put back
      Then its log said what is wrong with the configuration
      And it is ready and answers within its deadline
